"""`@prompt`: the messages of each round from a function in the cell, which runs in the kernel."""

import pytest

from jupyter_loops.errors import CellError, PreflightError, PromptError
from jupyter_loops.language import parse
from jupyter_loops.tools.prompt_function import PromptFunction

CELL = """
def double(n: int) -> int:
    "Twice n."
    ...
assert double(2) == 4
"""


def function(body, names=None, before=""):
    recipe = parse(f"{before}@prompt\ndef ask(parts):\n{body}\n{CELL}")
    return PromptFunction.of(recipe, names or {})


async def test_it_makes_messages_of_the_parts_with_the_notebook_s_names():
    ask = function(
        "    return [{'role': 'system', 'content': style}, {'role': 'user', 'content': parts['goal']}]",
        {"style": "Terse."},
    )

    assert [(said.role, said.content) for said in await ask({"goal": "Go."})] == [("system", "Terse."), ("user", "Go.")]


async def test_a_text_is_a_message_of_the_user():
    [said] = await function("    return parts['goal'] * 2")({"goal": "Go."})

    assert (said.role, said.content) == ("user", "Go.Go.")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("    text = 1\n    return parts['gaol']", r"ask raised KeyError\('gaol'\) \(line 5: return parts\['gaol'\]\)"),
        ("    return None", r"ask returned None \(line 2\)"),
        ("    return [1]", r"ask returned a message 1 \(line 2\)"),
        ("    return [{'role': 'tool', 'content': 'x'}]", "ask returned a message {'role': 'tool'"),
        ("    return [{'role': 'user', 'content': 7}]", "ask returned a message {'role': 'user', 'content': 7}"),
        ("    return object()", "ask returned a object"),
        ("    return ''", "ask returned no message of the user"),
        ("    raise SystemExit(1)", "ask raised SystemExit"),
    ],
)
async def test_nonsense_is_one_line_with_the_line_of_the_cell(body, message):
    with pytest.raises(PromptError, match=message) as caught:
        await function(body)({"goal": "Go."})
    assert "\n" not in str(caught.value)


async def test_one_that_does_not_return_is_given_up():
    recipe = parse(f"@prompt\ndef ask(parts):\n    while True:\n        pass\n{CELL}")
    slow = PromptFunction.of(recipe, {})
    slow._patience = 0.2
    with pytest.raises(PromptError, match=r"did not return within 0.2 s \(line 2\)"):
        await slow({})


def test_a_cell_has_one_and_nothing_else_calls_it():
    with pytest.raises(CellError, match="`ask` is the @prompt already"):
        parse(f"@prompt\ndef ask(parts): return ''\n@prompt\ndef two(parts): return ''\n{CELL}")
    with pytest.raises(CellError, match="`ask` is the @prompt: the planner calls it"):
        parse(f"@prompt\ndef ask(parts): return ''\n{CELL}assert ask and double(1)")
    with pytest.raises(PreflightError, match="line 2: the @prompt ask reads `style`, which is not there"):
        function("    return style")


def test_a_prompt_of_the_cell_s_own_is_only_a_name():
    recipe = parse(f"def prompt(f): return f\n@prompt\ndef ask(parts): return ''\n{CELL}")

    assert recipe.prompt is None
    assert "def ask" in recipe.setup
    assert parse(f"prompt = 'x'\n{CELL}").prompt is None


def test_it_is_part_of_the_question_and_a_cell_without_one_asks_the_same_as_ever():
    plain, asked = parse(CELL), parse(f"@prompt\ndef ask(parts): return ''\n{CELL}")

    assert plain.fingerprint() != asked.fingerprint()
