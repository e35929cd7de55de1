"""Targets that are values: validated in the child, and back as JSON or Arrow."""

from __future__ import annotations

import json

import pytest

from jupyter_loops.core.candidate import CandidateKind, Exit, Limits
from jupyter_loops.core.recipe import Target, TargetKind
from jupyter_loops.execution.crossing.packing import unpack

PRODUCT = "from pydantic import BaseModel\nclass Product(BaseModel):\n    name: str\n    price: float = 1.0\n"


def target(name: str, annotation: str, kind: TargetKind = TargetKind.DATA) -> Target:
    return Target(name=name, kind=kind, source=f"{name}: {annotation}", annotation=annotation)


MUG = target("mug", "Product")
LINE = target("line", "str", TargetKind.TEXT)
FRAME = target("table", "pd.DataFrame", TargetKind.FRAME)


@pytest.mark.parametrize(
    ("setup", "annotation", "good", "bad"),
    [
        (PRODUCT, "Product", {"name": "m", "price": 1.0}, {"price": 1}),
        ("from dataclasses import dataclass\n@dataclass\nclass P:\n    n: int", "P", {"n": 1}, {"n": "x"}),
        ("from typing import TypedDict\nclass P(TypedDict):\n    n: int", "P", {"n": 1}, {}),
        ("from typing import Literal", "Literal['a', 'b']", "a", "c"),
        ("", "list[int]", [1, 2], [1, "x"]),
        ("", "dict[str, list[int]]", {"a": [1]}, {"a": 1}),
        (PRODUCT, "list[Product]", [{"name": "a", "price": 2.0}], [{"nam": "a"}]),
    ],
)
async def test_json_is_validated_against_the_type_and_comes_back(
    *, setup, annotation, good, bad, open_sandbox, make_recipe, as_data
):
    recipe = make_recipe("assert value is not None", setup=setup, targets=(target("value", annotation),))
    async with open_sandbox("process", recipe) as box:
        refused = (await box.run(as_data(json.dumps({"value": bad})))).executed
        async with box.sandbox.attempt(as_data(json.dumps({"value": good}))) as attempt:
            executed = await attempt.execute()
            verdicts, _ = await attempt.examine(recipe.checks)
            delivery = await attempt.deliver()

    assert "value" in box.readiness.schemas
    assert refused.exit is Exit.INVALID
    assert refused.fault.message.startswith("value")
    assert executed.exit is Exit.OK
    assert verdicts[0].passed
    assert delivery.values == {"value": good}


@pytest.mark.parametrize("text", ["", "[", "[]", '"x"', "null", "{}", '{"mug": 3}', "[" * 100_000, '{"mug": NaN}'])
async def test_what_is_no_such_json_is_invalid_with_a_reason(text, open_sandbox, make_recipe, as_data):
    async with open_sandbox("process", make_recipe("assert mug", setup=PRODUCT, targets=(MUG,))) as box:
        executed = (await box.run(as_data(text))).executed

    assert executed.exit is Exit.INVALID
    assert executed.fault.message


async def test_text_is_a_string_and_has_no_schema(level, open_sandbox, make_recipe, as_data):
    async with open_sandbox(level, make_recipe("assert len(line) < 9", targets=(LINE,))) as box:
        wrong = await box.run(as_data('{"line": 3}'))
        async with box.sandbox.attempt(as_data('{"line": "hello"}')) as attempt:
            await attempt.execute()
            delivery = await attempt.deliver()

    assert box.readiness.schemas == {}
    assert wrong.executed.exit is Exit.INVALID
    assert delivery.values == {"line": "hello"}


async def test_a_frame_comes_back_as_it_was(level, open_sandbox, make_recipe, as_data):
    import pandas as pd

    recipe = make_recipe("assert len(table) == 2", setup="import pandas as pd", targets=(FRAME,))
    text = "table = source * 2"
    source = pd.DataFrame({"a": [1, 2], "s": ["x", None]})
    async with open_sandbox(level, recipe, source=source) as box:
        wrong = (await box.run("table = [1]")).executed
        async with box.sandbox.attempt(_code(text)) as attempt:
            await attempt.execute()
            delivery = await attempt.deliver()

    assert wrong.fault.message == "table must be a pd.DataFrame, and is of type list"
    pd.testing.assert_frame_equal(unpack(delivery.objects["table"]), source * 2)


async def test_code_may_produce_data(open_sandbox, make_recipe):
    recipe = make_recipe("assert len(mug.name) == 1 and n == 3", setup=PRODUCT, targets=(MUG, target("n", "int")))
    async with open_sandbox("process", recipe) as box:
        outcome = await box.run("mug = {'name': 'm'}\nn = '3'")
        missing = await box.run("mug = {'name': 'm'}")

    assert outcome.passed == [True]
    assert "n is missing" in missing.executed.fault.message


async def test_a_huge_result_is_refused(open_sandbox, make_recipe):
    recipe = make_recipe("assert line", targets=(LINE,))
    async with (
        open_sandbox("process", recipe, Limits(result_bytes=100_000)) as box,
        box.sandbox.attempt(_code("line = 'x' * 200_000")) as attempt,
    ):
        executed = await attempt.execute()

    assert executed.exit is Exit.OUTPUT
    assert "too much" in executed.fault.message


async def test_a_value_that_cannot_cross_is_refused_while_rounds_are_left(open_sandbox, make_recipe):
    recipe = make_recipe("assert anything", setup="from typing import Any", targets=(target("anything", "Any"),))
    async with open_sandbox("process", recipe) as box:
        executed = (await box.run("anything = object()")).executed

    assert executed.exit is Exit.INVALID
    assert "anything: it cannot be written as JSON and read again" in executed.fault.message


def _code(text):
    from jupyter_loops.core.candidate import Candidate

    return Candidate(kind=CandidateKind.CODE, text=text)
