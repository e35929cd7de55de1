"""Code is found in what models and servers put around it: templates, JSON, quotations, lists."""

from __future__ import annotations

import json

import pytest

from jupyter_loops.errors import ReplyError
from jupyter_loops.planning.answer.read_python import read_code
from jupyter_loops.planning.answer.written_calls import begins_call, calls

DOUBLE = "def double(n):\n    return 2 * n\n"
FENCED = f"```python\n{DOUBLE}```"
DRAFT = "```python\ndef double(n): return 0\n```"
ANALYSIS = f"<|channel|>analysis<|message|>So.\n{DRAFT}<|end|><|start|>assistant"
FINAL = "<|channel|>final<|message|>"


def indented(text, margin):
    return "\n".join(f"{margin}{line}" for line in text.splitlines())


ANSWERS = {
    "harmony": f"{ANALYSIS}{FINAL}{FENCED}<|return|>",
    "harmony, bare code": f"{ANALYSIS}{FINAL}{DOUBLE}<|return|>",
    "harmony, only the final channel": f"{FINAL}{FENCED}<|end|>",
    "harmony, constrained": f"<|start|>assistant<|channel|>final <|constrain|>python<|message|>{DOUBLE}",
    "harmony without its tokens": f"analysisWe double.\n{DRAFT}assistantfinal{FENCED}",
    "an end token": f"{DOUBLE.rstrip()}<|eot_id|>",
    "an end tag": f"{DOUBLE.rstrip()}</s>",
    "a template around it": f"<|im_start|>assistant\n{DOUBLE}<|im_end|>",
    "a template with wide bars": f"<\uff5cAssistant\uff5c>{DOUBLE}<\uff5cend\u2581of\u2581sentence\uff5c>",
    "JSON": json.dumps({"code": DOUBLE}),
    "JSON with line breaks": f'{{"code": "{DOUBLE}"}}',
    "JSON in a fence": f"```json\n{json.dumps({'code': DOUBLE})}\n```",
    "JSON behind prose": f"Sure:\n{json.dumps({'explanation': 'It doubles.', 'code': DOUBLE}, indent=1)}",
    "JSON with a fence": json.dumps({"answer": FENCED}),
    "JSON by target": json.dumps({"double": DOUBLE}),
    "JSON, lines": json.dumps({"code": DOUBLE.splitlines()}),
    "a notebook": json.dumps({"cells": [{"cell_type": "code", "source": DOUBLE.splitlines(keepends=True)}]}),
    "a dictionary of Python": repr({"code": DOUBLE}),
    "a JSON text": json.dumps(DOUBLE),
    "a quotation": indented(FENCED, "> "),
    "a quotation among prose": f"Here:\n\n{indented(FENCED, '> ')}\n\nDone.",
    "a quotation without a fence": f"Here:\n\n{indented(DOUBLE, '> ')}",
    "a quotation in a quotation": indented(FENCED, "> > "),
    "a list": f"1. The code:\n\n{indented(FENCED, '   ')}\n2. Its use",
    "an item that is a fence": f"- {indented(FENCED, '  ').lstrip()}\n- Done.",
    "a numbered item that is a fence": f"1. {indented(FENCED, '   ').lstrip()}\n2. Done.",
    "an indented block": f"Here:\n\n{indented(DOUBLE, '    ')}\n\nDone.",
    "a code span": "It is `double = lambda n: 2 * n`.",
    "entities": "```python\ndef double(n):\n    return 2 * n if n &gt; 0 else n + n\n```",
    "the language and no fence": f"python\n{DOUBLE}",
    "line ends of Windows": f"Sure.\n{FENCED}\n".replace("\n", "\r\n"),
    "a byte order mark": f"\ufeff{FENCED}",
    "a byte order mark before bare code": f"\ufeff{DOUBLE}",
    "a use behind it": f"{FENCED}\nUse:\n```python\nfrom solution import double\nprint(double(3))\n```",
    "a use with a name": f"{FENCED}\nUse:\n```python\nx = double(3)\nassert x == 6\n```",
    "a use in a session": f"{FENCED}\nUse:\n```\n>>> double(3)\n6\n```",
    "a use in a main function": f"{FENCED}\n```python\ndef main():\n    print(double(2))\n\nmain()\n```",
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
def test_the_code_is_found(answer):
    space = {"__name__": "module"}
    exec(read_code(answer, ["double"]), space)

    assert space["double"](2) == 4


def test_targets_in_several_texts_of_one_object_are_joined():
    answer = json.dumps({"one": "def one():\n    return 1\n", "two": "def two():\n    return one() + 1\n"})
    space = {}
    exec(read_code(answer, ["one", "two"]), space)

    assert space["two"]() == 2


@pytest.mark.parametrize("token", ["<|return|>", "<|channel|>final<|message|>", "</s>", "assistantfinal", "&gt;"])
def test_what_looks_like_a_template_in_a_string_stays(token):
    source = f'def double(n):\n    return "{token}" * 2 * n\n'

    assert read_code(f"```python\n{source}```", ["double"]) == source
    assert read_code(source, ["double"]) == source
    assert read_code(f"{ANALYSIS}{FINAL}```python\n{source}```<|return|>", ["double"]) == source


def test_a_method_is_no_function_and_a_piece_beside_broken_code_no_answer():
    method = "class Box:\n    def double(self, n):\n        return 2 * n\n"
    broken = "def double(n):\n    return )\n"

    assert read_code(method, ["double"]) == method
    assert read_code(f"```python\n{broken}```\nor `double = lambda n: 0`", ["double"]) == broken
    assert "return )" in read_code(f"{broken}or `double = lambda n: 0`", ["double"])


def test_analysis_alone_is_only_thoughts():
    with pytest.raises(ReplyError, match="only thoughts"):
        read_code(ANALYSIS.removesuffix("<|start|>assistant"), ["double"])


def test_a_call_in_harmony_is_read():
    call = '<|channel|>commentary to=functions.look <|constrain|>json<|message|>{"product": "lamp"}<|call|>'

    assert calls(f"{ANALYSIS}{call}", {"look"}) == [("look", '{"product": "lamp"}')]


ARGUMENTS = '{"product": "lamp"}'
CALL = f'{{"name": "look", "arguments": {ARGUMENTS}}}'


def element(name, inner, attributes=""):
    return f"<{name}{attributes}>{inner}</{name}>"


ARGUMENT = element("product", "lamp")
NAMED = element("tool_name", "look") + element("parameters", f"\n{ARGUMENT}\n")
WRITTEN = {
    "tools": element("tools", CALL),
    "tools_list": element("tools", f"[{CALL}]"),
    "tools_after_prose": f"I look it up.\n{element('tools', CALL)}",
    "fence_after_prose": f"I look it up.\n```json\n{CALL}\n```\nThen I answer.",
    "tag_in_a_fence": f"I look it up.\n```xml\n{element('tool_call', CALL)}\n```",
    "invoke": element(
        "function_calls", element("invoke", element("parameter", "lamp", ' name="product"'), ' name="look"')
    ),
    "elements": element("tool_call", NAMED),
    "elements_in_invoke": element("function_calls", element("invoke", NAMED)),
    "name_of_a_tag": element("tool_call", ARGUMENTS, ' name="look"'),
    "name_of_a_function": element("function", ARGUMENTS, ' name="look"'),
    "action": f"I look it up.\nAction: look\nAction Input: {ARGUMENTS}",
    "message": json.dumps(
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "1", "type": "function", "function": json.loads(CALL)}],
        }
    ),
    "function_call": f'{{"function_call": {CALL}}}',
    "recipient": f"to=functions.look {ARGUMENTS}",
}


@pytest.mark.parametrize("answer", WRITTEN.values(), ids=WRITTEN.keys())
def test_a_written_call_is_read_and_is_no_candidate(answer):
    assert calls(answer, {"look"}) == [("look", ARGUMENTS)]
    assert begins_call(answer, {"look"})


@pytest.mark.parametrize(
    "opening", ["<a>", "<tool_name>look</tool_name><parameters><a>", "Action: look\n", "<function name="]
)
def test_many_openings_of_a_call_take_no_time(opening):
    assert len(calls(opening * (200_000 // len(opening)), {"look"})) <= 100
