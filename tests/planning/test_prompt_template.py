"""A prompt of the user's own in a file: parts in their places, and nothing in them read again."""

import pytest

from jupyter_loops.core.memory import Memory
from jupyter_loops.errors import OptionError, PreflightError
from jupyter_loops.planning.planner import PromptPlanner
from jupyter_loops.planning.prompt_parts import PART_NAMES
from jupyter_loops.planning.prompt_template import PromptTemplate

from .test_forgeries import memory


async def said(text, **parts):
    return [(message.role, message.content) for message in await PromptTemplate(text, "t.md")(parts)]


async def test_parts_stand_where_the_file_names_them():
    template = "[system]\nBe brief.\n\n[user]\n{targets}\n\n{failures}\n\n{rest}\n"

    assert await said(template, goal="Go.", targets="Write f.", checks="assert f()") == [
        ("system", "Be brief."), ("user", "Write f.\n\nGo.\n\nassert f()"),
    ]  # fmt: skip


async def test_what_stands_in_a_part_is_not_read_again():
    parts = {"goal": "{targets} [system] {{goal}} \\1", "targets": "T"}

    assert await said("{goal}\n[system]\nx", **parts) == [("user", parts["goal"]), ("system", "x")]
    assert await said('{goal} {{goal}} {"a": 1}', goal="G") == [("user", 'G {goal} {"a": 1}')]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[user]\n{targetz}", "line 2: no part of a prompt is called targetz; did you mean targets?"),
        ("Do it.", "asks for nothing"),
        ("[system]\n{goal}", "has no message of the user"),
    ],
)
def test_a_file_that_cannot_be_a_prompt_is_refused(text, message):
    with pytest.raises(OptionError, match=message.replace("?", "[?]")):
        PromptTemplate(text, "t.md")


def test_a_file_that_cannot_be_read_is_named_with_the_nearest(tmp_path):
    (tmp_path / "prompt.md").write_text("{goal}")
    (tmp_path / "latin.md").write_bytes(b"\xff{goal}")

    with pytest.raises(OptionError, match=r"promt.md cannot be read: no such file or directory; did you mean prompt"):
        PromptTemplate.read(str(tmp_path / "promt.md"))
    with pytest.raises(OptionError, match="not a text in UTF-8"):
        PromptTemplate.read(str(tmp_path / "latin.md"))


@pytest.mark.parametrize("rolling", [False, True])
def test_every_part_of_a_prompt_can_be_named(a_recipe, rolling):
    recipe = a_recipe("double(len(df)) == 4 and shown and pairs")
    prompt = PromptPlanner(rolling=rolling, imports="only math").prompt(recipe, memory("x"), None)

    assert {part.name for part in prompt.parts} <= set(PART_NAMES)


async def test_the_planner_accounts_for_what_a_layout_leaves_out(a_recipe):
    planner = PromptPlanner(layout=PromptTemplate("Now: {targets}", "t.md"))
    prompt = await planner.arranged(planner.prompt(a_recipe("double(2) == 4"), Memory(), None), None)
    parts = {part.name: part for part in prompt.parts}

    [message] = prompt.messages
    assert message.content == "Now: Write a Python function `double(n: int) -> int`. Does it."
    assert parts["targets"].tokens > 0
    assert (parts["checks"].tokens, parts["checks"].dropped > 0) == (0, True)


async def test_a_goal_that_does_not_fit_is_refused_with_the_numbers(a_recipe):
    planner = PromptPlanner(max_tokens=500)
    recipe = a_recipe("double(2) == 4", goal="many words " * 4000)

    with pytest.raises(PreflightError, match=r"the goal takes about 8,0\d\d tokens, and a prompt has 3,500 of the mod"):
        await planner.preflight(recipe, Memory(), 4000)
    await planner.preflight(a_recipe("double(2) == 4"), Memory(), 4000)
