"""Code is read as it was written, byte for byte, whatever stands around it and whatever its strings hold."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_loops.errors import ErrorClass, ReplyError
from jupyter_loops.planning.answer.read_python import read_code

THINKING = 'import re\n\ndef strip(s):\n    return re.sub(r"<think>.*?</think>", "", s, flags=re.S).strip()\n'
FENCED = 'def fence(code):\n    return f"""\n```python\n{code}\n```\n"""\n'
DOUBLE = "def double(n):\n    return n * 2\n"


@pytest.mark.parametrize("language", ["python", "tool_code", "text", "code", "python3.11", "solution.py", "sage", ""])
@pytest.mark.parametrize("source", [THINKING, FENCED, 'def row(xs):\n    return "\t\u2028".join(xs)\n'])
def test_the_block_that_binds_the_target_is_taken_whatever_its_fence_says(language, source):
    name = source.partition("def ")[2].partition("(")[0]

    assert read_code(f"Sure.\n```{language}\n{source}```\nDone.", [name]) == source
    assert read_code(f"~~~~ {language}\n{source}~~~~", [name]) == source
    assert read_code(source, [name]) == source


@pytest.mark.parametrize(
    "thoughts",
    [
        "<think>Draft:\n```python\ndef double(n): return 0\n```\n</think>\n",
        "Draft:\n```python\ndef double(n): return 0\n```\nNo.\n</think>\n\n",
        "An unclosed draft:\n```python\ndef double(n): return 0\n</think>\n",
        "<thinking>a</thinking>\n<reasoning>b</reasoning>\n",
        "<think>I must not write </think> here\n</think>\n",
        "Sure.\n<think>```python\ndef double(n): return 0\n```</think>\n",
        "\ufeff<THINK>\n</THINK>",
    ],
)
def test_thoughts_before_the_answer_are_no_answer(thoughts):
    assert read_code(f"{thoughts}```python\n{DOUBLE}```", ["double"]) == DOUBLE
    with pytest.raises(ReplyError):
        read_code(f"{thoughts}I am done.", ["double"])


def test_thoughts_after_the_answer_do_not_take_it_away():
    assert read_code(f"```python\n{DOUBLE}```\n<think>Is it right?\n</think>\nYes.", ["double"]) == DOUBLE


def test_a_closing_tag_in_a_string_is_no_end_of_thoughts():
    source = 'def tag():\n    return """\n</think>\n"""\n'

    assert read_code(f"Here:\n```python\n{source}```", ["tag"]) == source


def test_a_docstring_may_hold_very_many_fences():
    source = "def double(n):\n    '''\n" + "```\nx\n```\n" * 2000 + "    '''\n    return n * 2\n"

    assert read_code(f"```python\n{source}```\nDone.", ["double"]) == source


@pytest.mark.parametrize("piece", ["`", "```\n", "```a\n", "<think>", "</think>\n", "{", "x```", " ", '"""\n'])
def test_a_long_answer_of_one_thing_ends_with_one_line(piece):
    with pytest.raises(ReplyError, match="defines double"):
        read_code(piece * (300_000 // len(piece)), ["double"])


def test_a_fence_at_the_end_of_a_line_of_code_ends_the_block():
    assert read_code("```python\ndef double(n):\n    return n * 2```\nDone.", ["double"]).rstrip() == DOUBLE.rstrip()


def test_a_block_inside_a_block_of_another_language_is_found():
    assert read_code(f"```markdown\n# Title: the code\n```python\n{DOUBLE}```\n```\n", ["double"]) == DOUBLE
    assert read_code(f"````markdown\n# Title\n```python\n{DOUBLE}```\n````\n", ["double"]) == DOUBLE


def test_a_session_is_freed_of_prompts_and_output():
    answer = "```pycon\n>>> def double(n):\n...     return n * 2\n...\n>>> double(2)\n4\n```"

    assert read_code(answer, ["double"]).rstrip() == DOUBLE.rstrip()


def test_a_helper_in_an_earlier_block_comes_along():
    helper = "from math import floor\ndef helper(n):\n    return floor(n)\n"
    answer = f"```python\n{helper}```\nthen\n```python\ndef double(n):\n    return helper(2 * n)\n```"
    space = {}
    exec(read_code(answer, ["double"]), space)

    assert space["double"](1.5) == 3


def test_code_that_was_cut_is_saved_where_every_target_is_whole():
    cut = f"```python\n{DOUBLE}\ndef unused(n):\n    return (n +"
    assert read_code(cut, ["double"], cut=True).rstrip() == DOUBLE.rstrip()

    needed = "```python\ndef double(n):\n    return helper(n)\n\ndef helper(n):\n    return (n +"
    with pytest.raises(ReplyError, match="not whole, line 5") as caught:
        read_code(needed, ["double"], cut=True)
    assert caught.value.kind is ErrorClass.TRUNCATED


def test_a_syntax_error_is_left_in_the_code_for_the_feedback():
    broken = f'{DOUBLE}\ndef other():\n    """\n```\nx\n```\n"""\n    return )\n'

    assert read_code(f"```python\n{broken}```", ["double"]) == broken


@pytest.mark.parametrize(
    ("answer", "told", "kind"),
    [
        ("", "is empty", ErrorClass.MALFORMED),
        ("\n \n", "is empty", ErrorClass.MALFORMED),
        ("<think>so", "only thoughts", ErrorClass.MALFORMED),
        ("so\n</think>\n", "only thoughts", ErrorClass.MALFORMED),
        ("I'm sorry, but I can't help with that.", "refuses", ErrorClass.REFUSED),
        ("I cannot do that.", "refuses", ErrorClass.REFUSED),
        ("It is easy to double.", "has no code", ErrorClass.MALFORMED),
        ("d\0e\0f\0 \0", "null characters", ErrorClass.MALFORMED),
        ("x" * 10_000_000, "at most 4,000,000", ErrorClass.MALFORMED),
        ("\udc80", "has no code", ErrorClass.MALFORMED),
    ],
)
def test_answers_without_code_are_told_apart(answer, told, kind):
    with pytest.raises(ReplyError, match=told) as caught:
        read_code(answer, ["double"])

    assert caught.value.kind is kind
    assert "\n" not in str(caught.value)


POINT = "from dataclasses import dataclass\n@dataclass\nclass Point:\n    x: int\n"
SETUP = f"{POINT}LIMIT = 3\ndef near(p):\n    return p.x < LIMIT\n"


def test_a_definition_that_the_set_up_has_word_for_word_is_left_out():
    move = "def move(p):\n    return Point(p.x + 1)\n"

    left = read_code(POINT.replace("x: int", "x:   int") + move, ["move"], setup=SETUP)
    assert left == f"from dataclasses import dataclass\n\n\n\n{move}"


@pytest.mark.parametrize(
    "own",
    [
        "from other import dataclass\n@dataclass\nclass Point:\n    x: int\n",
        "from dataclasses import dataclass\n@dataclass\nclass Point:\n    x: int\n    y: int = 0\n",
        "LIMIT = 4\ndef near(p):\n    return p.x < LIMIT\n",
    ],
)
def test_a_definition_that_says_something_else_stays(own):
    text = f"{own}def move(p):\n    return p\n"

    assert read_code(text, ["move"], setup=SETUP) == text


STRINGS = st.lists(
    st.sampled_from(
        ["```", "```python", "~~~", "<think>", "</think>", "\n", "\t", "\u2028", "\x0c", "\x1c", "\u200b", "\ufeff",
         "a", ">>> f()", "{", "[1]", " ", "# x", "\r\n", "def f():"]
    ),
    max_size=12,
).map("".join)  # fmt: skip
QUOTED = STRINGS.map(lambda text: f'"""{text}"""')
MODULES = st.lists(
    st.one_of(
        QUOTED.map(lambda text: f"X = {text}"),
        QUOTED.map(lambda text: f"def helper():\n    {text}\n    return {text}"),
        QUOTED.map(lambda text: f"class Box:\n    {text}\n\n\n    size = 1  # ``` no fence"),
        st.just("import math"),
    ),
    max_size=4,
).map(lambda parts: "\n".join([*parts, "def f(n):\n    return n", ""]))
PROSE = st.sampled_from(["", "Sure!\n", "It's (really) {simple} [1]:\n\n", "- with `f` and ``g``\n\n", "Zuerst:\r\n"])
THOUGHTS = st.sampled_from(
    ["", "<think>Draft\n```python\ndef f(n): return 0\n```\n</think>\n\n", "so, f.\n</think>\n\n",
     "<reasoning></reasoning>"]
)  # fmt: skip
FENCE = st.sampled_from(["```python", "````", "~~~ py", "```text", "```{.python}"])


@given(MODULES, THOUGHTS, PROSE, FENCE, PROSE)
@settings(max_examples=300, deadline=None)
def test_what_is_read_is_what_was_written(module, thoughts, before, fence, after):
    close = fence[0] * (len(fence) - len(fence.lstrip(fence[0])))

    assert read_code(f"{thoughts}{before}{fence}\n{module}{close}\n{after}", ["f"]) == module


@given(MODULES)
@settings(max_examples=200, deadline=None)
def test_a_bare_module_is_read_as_it_is(module):
    assert read_code(module, ["f"]) == module


@given(
    st.lists(
        st.sampled_from(["```", "~~~~", "\n", "<think>", "</think>", "def f():", " return 1", "{", '"""', ">>> ", "x"])
    )
)
@settings(max_examples=300, deadline=None)
def test_any_answer_is_read_or_refused_with_a_line(pieces):
    try:
        told = read_code("".join(pieces), ["f"])
    except ReplyError as error:
        told = str(error)
    assert told
