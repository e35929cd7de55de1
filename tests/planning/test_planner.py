from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_loops.core.candidate import Candidate, CandidateKind
from jupyter_loops.core.memory import Memory
from jupyter_loops.core.recipe import Check, Recipe, Target, TargetKind
from jupyter_loops.errors import ReplyError
from jupyter_loops.planning.planner import MODERATE, PromptPlanner
from jupyter_loops.planning.tokens import estimate

TEXT = st.text(max_size=3000)
LINES = st.lists(TEXT, max_size=6).map(tuple)


def code(text: str) -> Candidate:
    return Candidate(kind=CandidateKind.CODE, text=text)


def words(prompt) -> str:
    return "\n".join(message.content for message in prompt.messages)


def part(prompt, name):
    return next((part for part in prompt.parts if part.name == name), None)


def test_the_first_prompt_asks_for_the_function_and_shows_the_visible_checks(a_recipe):
    prompt = PromptPlanner().prompt(a_recipe("double(2) == 4", hidden=("double(7) == 14",)), Memory(), None)

    assert "Do it." in words(prompt)
    assert "`double(n: int) -> int`. Does it." in words(prompt)
    assert "assert double(2) == 4" in words(prompt)
    assert "14" not in words(prompt)
    assert [part.name for part in prompt.parts] == ["instructions", "goal", "checks", "targets"]


def test_a_goal_that_is_the_stub_s_docstring_is_said_once(a_recipe):
    prompt = PromptPlanner().prompt(a_recipe(goal="Does it."), Memory(), None)

    assert words(prompt).count("Does it.") == 1


def test_later_rounds_carry_the_attempt_its_failures_and_the_person_s_hints(a_recipe):
    memory = Memory(
        iteration=3,
        best=code("def double(n): return n + n + 1"),
        last=code("def double(n): return n"),
        failures=("double(2) == 4: double(2) is 2",),
        rejected=("returned None",),
        hints=("multiply",),
        notes=("2 rounds are left",),
    )
    text = words(PromptPlanner().prompt(a_recipe("double(2) == 4"), memory, None))

    for said in ("return n + n + 1", "return n\n", "double(2) is 2", "returned None", "multiply", "2 rounds are left"):
        assert said in text
    assert text.index("assert double(2)") < text.index("double(2) is 2") < text.index("Write a Python function")


def test_an_attempt_is_shown_once_when_it_is_the_best_too(a_recipe):
    same = code("def double(n): return n")
    prompt = PromptPlanner().prompt(a_recipe(), Memory(iteration=2, best=same, last=same), None)

    assert words(prompt).count("return n") == 1


def test_what_a_model_cannot_use_of_earlier_rounds_is_left_out_and_said(a_recipe):
    attempt = code("def double(n): return n")
    memory = Memory(iteration=2, last=attempt, failures=("it is 2",), hints=("multiply",))
    prompt = PromptPlanner().prompt(a_recipe("double(2) == 4"), memory, 4096, frozenset({"failures"}))

    assert "return n" not in words(prompt)
    assert "it is 2" in words(prompt)
    assert "multiply" in words(prompt)
    assert part(prompt, "last").dropped > 0


def test_names_of_the_notebook_are_summed_up_unless_only_a_hidden_check_uses_them(a_recipe):
    memory = Memory(names={"df": "DataFrame, 3 rows", "answers": "list of 3 int"})
    text = words(PromptPlanner().prompt(a_recipe("double(len(df)) == 6", hidden=("answers == []",)), memory, None))

    assert "- df: DataFrame, 3 rows" in text
    assert "answers" not in text


def test_decorators_and_async_stubs_are_asked_for(a_recipe):
    stub = Target(name="get", kind=TargetKind.FUNCTION, source="@cache\nasync def get(url: str, *, n=1):\n    ...")
    text = words(PromptPlanner().prompt(a_recipe(targets=(stub,)), Memory(), None))

    assert "`async get(url: str, *, n=1)` decorated with `@cache`" in text


async def test_a_class_is_asked_for_whole_and_its_stub_is_shown_as_code(a_recipe):
    stub = 'class Stack(Sized):\n    """Last in, first out."""\n\n    def push(self, item: int) -> None: ...'
    target = Target(name="Stack", kind=TargetKind.CLASS, source=stub, doc="Last in, first out.")
    recipe = a_recipe(goal=target.doc, targets=(target,))
    text = words(PromptPlanner().prompt(recipe, Memory(), None))

    assert text.endswith(f"Write this Python class whole, every method with its body:\n\n```python\n{stub}\n```")
    assert text.count("Last in, first out.") == 1
    assert (await PromptPlanner().read(recipe, "```python\nclass Stack: ...\n```")).kind is CandidateKind.CODE


@pytest.mark.parametrize("source", ["sales: pd.DataFrame", "picture: go.Figure", "weights: np.ndarray"])
def test_an_object_is_asked_for_as_code_that_builds_it(a_recipe, source):
    name, _, annotation = source.partition(": ")
    target = Target(name=name, kind=TargetKind.FRAME, source=source, annotation=annotation)
    prompt = PromptPlanner().prompt(a_recipe(targets=(target,)), Memory(), None)

    assert words(prompt).endswith(f"Write Python code that builds `{source}` and assigns it to that name.")
    assert prompt.schema is None


def test_a_data_target_is_asked_for_as_json_with_a_schema(a_recipe):
    mug = Target(name="mug", kind=TargetKind.DATA, source="mug: Product", annotation="Product")
    inner = {
        "type": "object",
        "properties": {"name": {"type": "string", "maxLength": 20}, "colour": {"$ref": "#/$defs/Colour"}},
        "required": ["name", "colour"],
        "$defs": {"Colour": {"enum": ["red", "blue"]}},
    }
    recipe = a_recipe(targets=(mug, Target(name="slogan", kind=TargetKind.TEXT, source="slogan: str")))
    prompt = PromptPlanner().prompt(recipe, Memory(schemas={"mug": inner}), None)

    assert '{"mug": {"name": string (at most 20 characters), "colour": "red" or "blue"}, "slogan": string}' in words(
        prompt
    )
    assert prompt.schema["required"] == ["mug", "slogan"]
    assert prompt.schema["$defs"] == {"Colour": {"enum": ["red", "blue"]}}
    assert "$defs" not in prompt.schema["properties"]["mug"]


async def test_answers_become_candidates_of_the_recipe_s_kind(a_recipe):
    text = a_recipe(targets=(Target(name="slogan", kind=TargetKind.TEXT, source="slogan: str"),))
    data = a_recipe(targets=(Target(name="mug", kind=TargetKind.DATA, source="mug: dict"),))

    assert (
        await PromptPlanner().read(a_recipe(), "```python\ndef double(n): return n\n```")
    ).kind is CandidateKind.CODE
    assert json.loads((await PromptPlanner().read(text, "Stay warm")).text) == {"slogan": "Stay warm"}
    assert json.loads((await PromptPlanner().read(data, '{"a": 1}')).text) == {"mug": {"a": 1}}
    with pytest.raises(ReplyError):
        await PromptPlanner().read(data, "no")


def test_the_ladder_rises_while_nothing_works_and_a_set_temperature_stays():
    rounds = [Memory(), *(Memory(iteration=done + 2, stuck=done) for done in range(7))]
    rising = [PromptPlanner().sampling(memory).temperature for memory in rounds]

    assert rising[0] == 0.2
    assert rising == sorted(rising)
    assert rising[-1] == 1.0
    assert {PromptPlanner(temperature=0.0).sampling(memory).temperature for memory in rounds} == {0.0}


def test_the_seed_moves_with_the_round_and_is_absent_unless_given():
    assert PromptPlanner().sampling(Memory()).seed is None
    assert [PromptPlanner(seed=40).sampling(Memory(iteration=n)).seed for n in (1, 2)] == [40, 41]
    assert PromptPlanner(max_tokens=77).sampling(Memory()).max_tokens == 77


@given(st.tuples(TEXT, TEXT, TEXT), LINES, LINES, st.none() | st.integers(min_value=600, max_value=40_000))
def test_a_prompt_keeps_its_window_and_accounts_for_every_part(texts, failures, hints, window):
    goal, setup, attempt = texts
    target = Target(name="f", kind=TargetKind.FUNCTION, source="def f():\n    ...", doc="")
    checks = tuple(Check(name=f"f() == {n}", source=f"assert f() == {n}") for n in range(40))
    recipe = Recipe(name="r", goal=goal, targets=(target,), checks=checks, setup=setup)
    memory = Memory(iteration=2, last=code(attempt), failures=failures, hints=hints)
    prompt = PromptPlanner(max_tokens=300).prompt(recipe, memory, window)

    assert prompt.tokens <= (MODERATE if window is None else min(MODERATE, window - 300))
    assert estimate("\n\n".join(message.content for message in prompt.messages)) <= prompt.tokens
    if goal.strip():
        told = part(prompt, "goal")
        assert told is not None
        assert told.dropped or goal.strip() in words(prompt)


@given(st.lists(st.integers(min_value=10**6), min_size=1, max_size=5), st.integers(min_value=1))
def test_the_source_of_a_hidden_check_is_never_in_a_prompt(secrets, seen):
    target = Target(name="f", kind=TargetKind.FUNCTION, source="def f():\n    ...", doc="")
    hidden = tuple(
        Check(name=f"f() == {n}", source=f"assert f() == 0x{n:x}", prelude=f"y = 0x{n:x}", hidden=True) for n in secrets
    )
    recipe = Recipe(
        name="r", goal="g", targets=(target,), checks=(Check(name="c", source=f"assert f() != {seen}"), *hidden)
    )
    memory = Memory(iteration=2, last=code("def f(): pass"), failures=("1 of 2 hidden checks failed",))
    text = words(PromptPlanner().prompt(recipe, memory, None))

    assert f"assert f() != {seen}" in text
    assert "0x" not in text


@pytest.mark.parametrize(
    "answer",
    [
        '{"tool": "look", "arguments": {"product": "la',
        "<tool_call>\n<function=look>\n<parameter=product>\nlamp\n</parameter>\n",
        "<tools>look at the lamp</tools>",
        "I look first.\n<tools>look at the lamp</tools>",
        '{"name": "look", "arguments": {"product": "lamp"}}',
    ],
)
async def test_a_call_of_a_tool_is_never_taken_for_a_candidate(a_recipe, answer):
    text = Target(name="tagline", kind=TargetKind.TEXT, source="tagline: str")
    for recipe in (a_recipe(), a_recipe(targets=(text,))):
        with pytest.raises(ReplyError, match="the answer is the call of a tool"):
            await PromptPlanner(tools=["look"]).read(recipe, answer)


async def test_what_only_speaks_of_a_call_is_a_candidate(a_recipe):
    code = 'def double(n: int) -> int:\n    """<tool_call>"""\n    return 2 * n'

    candidate = await PromptPlanner(tools=["look"]).read(a_recipe(), f"I looked.\n```python\n{code}\n```")
    assert candidate.text.strip() == code
