"""Tool calls that an answer writes as text.

The reader is lenient, because models are trained on different forms. The call itself is validated strictly elsewhere.
"""

from __future__ import annotations

import ast
import contextlib
import json
import re
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Any

from jupyter_loops.core import almost_json
from jupyter_loops.core.syntax_tree import parse_expression, parse_module

from .fences import Block, Blocks
from .thoughts import after_thoughts

Call = tuple[str, str]  # the tool, and its arguments in JSON
Names = Collection[str] | None

_TAGS = r"tool_calls?|function_calls?|tools|tool_use|tool_code"
_TAG = re.compile(rf"<(\|?)({_TAGS})\|?>")
_MARK = re.compile(r"\[TOOL_CALLS\]|<\|python_tag\|>")  # Mistral, Llama
_NAME = r"([\w.-]{1,200})"
_NAMED = (  # what opens a call and has its name, and what closes it
    (re.compile(r"<function=([\w.-]{1,200})>"), "</function>"),  # Qwen3-Coder, Llama
    (re.compile(r"""<invoke name=["']([\w.-]{1,200})["']>"""), "</invoke>"),  # Anthropic
    (
        re.compile(
            r"<\|channel\|>\w+ to=(?:functions\.)?([\w.-]{1,200})[^<]{0,40}(?:<\|constrain\|>\w+\s?)?<\|message\|>"
        ),
        "<|call|>",
    ),
    (re.compile(r"\A\s{0,9}<name>\s{0,9}([\w.-]{1,200})\s{0,9}</name>"), ""),
    (re.compile(r"\A\s{0,9}([\w.-]{1,200})\s{0,9}(?=<arg_key>)"), ""),  # GLM
    (re.compile(rf"""<tool_call\s{{1,9}}name=["']{_NAME}["']>"""), "</tool_call>"),
    (re.compile(rf"""<function\s{{1,9}}name=["']{_NAME}["']>"""), "</function>"),
    (re.compile(rf"^Action:[ \t]{{0,9}}{_NAME}[ \t]{{0,9}}\nAction Input:[ \t]{{0,9}}", re.MULTILINE), ""),  # ReAct
    (re.compile(rf"\bto=functions\.{_NAME}\s{{0,9}}(?=\{{)"), ""),
)
# The older form of Anthropic, in which each argument is an element.
_ELEMENTS = (re.compile(rf"<tool_name>\s{{0,9}}{_NAME}\s{{0,9}}</tool_name>\s{{0,9}}<parameters>"), "</parameters>")
_ELEMENT = re.compile(r"<(\w{1,60})>")
_ELEMENTS_TEXT = 5000  # characters of the arguments of one call, which take the square of them
_WRAPPERS = ("tool_calls", "function_call")  # of OpenAI's messages
_PAIRS = (
    (re.compile(r"<parameter=([\w.-]{1,200})>"), "</parameter>"),
    (re.compile(r"""<parameter name=["']([\w.-]{1,200})["']>"""), "</parameter>"),
    (re.compile(r"<arg_key>\s{0,9}([\w.-]{1,200})\s{0,9}</arg_key>\s{0,9}<arg_value>"), "</arg_value>"),
)
_INNER = re.compile(r"</?(?:arguments|args|parameters|input)>")
_CALL_START = re.compile(
    rf"^\s{{0,9}}(?:<\|?(?:{_TAGS})\|?>|<function[= ]|<tool_call name=|<invoke |\[TOOL_CALLS\]|<\|python_tag\|>)",
    re.MULTILINE,
)
_OBJECT = re.compile(r"""[\[{\s]{1,9}["'](?:tool|name|function)["']\s{0,9}:\s{0,9}["']([\w.-]{1,200})["']""")
_LINE = re.compile(r"^[ \t]*(?=[\[{])", re.MULTILINE)
_NAMES, _ARGUMENTS = ("tool", "name", "function"), ("arguments", "args", "parameters", "input")
_LONGEST = 200_000  # characters that are looked at
_BRACKETS = 500  # in what is repaired, which takes the square of them
_MOST = 100  # calls in one answer that are looked at
_LINES = 200  # of an answer, at which JSON may begin


def calls(answer: str, names: Names = None) -> list[Call]:
    """The calls that an answer makes of tools with these names (None: of any); none where it is an answer."""
    text = _prose(answer)
    for form in (_tagged, _unwrapped, _fenced, _within):
        if parsed := list(islice(form(text, names), _MOST)):
            return parsed
    return []


def begins_call(answer: str, names: Collection[str]) -> bool:
    """Whether a call is made or begun, readable or not, and no code or value is given."""
    text = _prose(answer)
    objects = map(_OBJECT.match, (text, *(block.text for block in _blocks(text))))
    return bool(calls(text, names) or _CALL_START.search(text) or any(match and match[1] in names for match in objects))


def _prose(answer: str) -> str:
    """The answer without its thoughts, and without blocks of code, in which a call is only written about."""
    text = after_thoughts(answer[:_LONGEST], lambda _: [])[0].strip()
    for block in reversed(_blocks(text)):
        if block.info.lower().startswith("py") and _is_code(block.text):
            text = text[: block.start] + text[block.end :]
    return text.strip()


def _is_code(text: str) -> bool:
    try:
        return any(not isinstance(node, ast.Expr) for node in parse_module(text).body)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return True


def _tagged(text: str, _names: Names) -> Iterator[Call]:
    """Between tags that are for calls only, so that any name is one."""
    inside = list(_bracketed(text)) or _MARK.split(text)[1:]
    for inner in inside or [text]:
        yield from list(_xml(inner)) or (_values(_json(inner), None) if inside else ())


def _bracketed(text: str) -> Iterator[str]:
    """What stands between the outermost tags, or behind one that is never closed."""
    end = 0
    for tag in islice(_TAG.finditer(text), _MOST):
        if tag.start() < end:
            continue
        closing = re.compile(rf"<[/|]+(?:end_)?{tag[2]}\|?>" if tag[1] else f"</{tag[2]}>").search(text, tag.end())
        end = closing.end() if closing else len(text)
        yield text[tag.end() : closing.start() if closing else end]


def _xml(text: str) -> Iterator[Call]:
    for name, inner in _between(text, *_ELEMENTS):
        yield name, json.dumps(dict(_elements(inner[:_ELEMENTS_TEXT])))
    for opener, closing in _NAMED:
        for name, inner in _between(text, opener, closing):
            pairs = [pair for form in _PAIRS for pair in _between(inner, *form)]
            value = {key: content.strip("\n") for key, content in pairs} if pairs else _json(_INNER.sub("", inner))
            yield name, json.dumps(value if isinstance(value, dict) else {})


def _elements(text: str) -> Iterator[tuple[str, str]]:
    """Name and content of each outermost element that is closed."""
    place = 0
    while opening := _ELEMENT.search(text, place):
        end = text.find(f"</{opening[1]}>", opening.end())
        place = opening.end() if end < 0 else end
        if end >= 0:
            yield opening[1], text[opening.end() : end].strip()


def _between(text: str, opener: re.Pattern[str], closing: str) -> Iterator[tuple[str, str]]:
    """Name and content of each pair of marks; nothing closes at the end of the text."""
    for match in islice(opener.finditer(text), _MOST):
        end = text.find(closing, match.end()) if closing else len(text)
        if end >= 0:
            yield match[1], text[match.end() : end]


def _unwrapped(text: str, names: Names) -> Iterator[Call]:
    """JSON from the first character on, one value a line, or Python's own form."""
    lines = text.splitlines()
    values = [_json(line) for line in lines] if 1 < len(lines) <= _MOST and text.startswith("{") else []
    parsed = [call for value in values for call in _values(value, names)]
    yield from parsed if parsed and None not in values else [*_values(_json(text), names)] or _python(text, names)


def _fenced(text: str, names: Names) -> Iterator[Call]:
    """In fences, with any text around them."""
    for block in _blocks(text):
        yield from list(_values(_json(block.text), names)) or list(_python(block.text.strip(), names))


def _within(text: str, names: Names) -> Iterator[Call]:
    """JSON at the beginning of a line behind prose."""
    end = 0
    for line in islice(_LINE.finditer(text), _LINES):
        if line.end() >= end:
            with contextlib.suppress(ValueError, RecursionError):
                value, end = json.JSONDecoder().raw_decode(text, line.end())
                yield from _values(value, names)


def _blocks(text: str) -> list[Block[str]]:
    return Blocks[str](lambda _: None).of(text)[:_MOST] if "```" in text else []


def _values(value: Any, names: Names) -> Iterator[Call]:
    if isinstance(value, dict) and not set(value) - {*_WRAPPERS, "role", "content"}:
        value = next((value[key] for key in _WRAPPERS if key in value), value)
    for item in (value if isinstance(value, list) else [value])[:_MOST]:
        if call := _call(item, names):
            yield call


def _call(value: Any, names: Names) -> Call | None:
    """A call, when the object has nothing but what a call has."""
    if isinstance(value, dict) and value.get("type") == "function" and isinstance(value.get("function"), dict):
        value = value["function"]
    if not isinstance(value, dict) or not set(value) <= {*_NAMES, *_ARGUMENTS, "id", "type"}:
        return None
    key = next((key for key in _NAMES if isinstance(value.get(key), str)), None)
    arguments: Any = next((value[key] for key in _ARGUMENTS if key in value), None)
    documented = (
        key == "tool" and arguments is not None
    )  # the form in the prompt: a call of an unknown tool is reported
    if key is None or not (names is None or documented or value[key] in names):
        return None
    arguments = {} if arguments is None else arguments
    return value[key], arguments if isinstance(arguments, str) else json.dumps(arguments)


def _python(text: str, names: Names) -> Iterable[Call]:
    """`look(product="lamp")`, or a list of such calls, with nothing but literals in them."""
    if not names or len(text) > _BRACKETS * 4 or not text.endswith((")", "]")):
        return []
    try:
        expression = parse_expression(text).body
        return [
            _literal(call, names) for call in (expression.elts if isinstance(expression, ast.List) else [expression])
        ]
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return []


def _literal(node: ast.expr, names: Collection[str]) -> Call:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in names or node.args:
        raise ValueError
    return node.func.id, json.dumps({keyword.arg or "": ast.literal_eval(keyword.value) for keyword in node.keywords})


def _json(text: str) -> Any:
    """The JSON value of the text. It is repaired, unless it was cut off: the end is unknown then."""
    text = text.strip()
    if not text.startswith(("{", "[")):
        return None
    with contextlib.suppress(ValueError, RecursionError):
        return json.JSONDecoder().raw_decode(text)[0]
    with contextlib.suppress(ValueError, RecursionError):
        complete = text.endswith(("}", "]")) and text.count("{") + text.count("[") <= _BRACKETS
        return almost_json.repaired(text) if complete else None
    return None
