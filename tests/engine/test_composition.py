"""Composition in Python: chains, maps of loops, runs gathered side by side; one ledger, one lineage."""

import asyncio
import json

import pytest

from jupyter_loops import Loop
from jupyter_loops.core.termination import StopReason
from jupyter_loops.history import open_history

FIRST = '"""A number."""\nnumber: int\nassert number > 3\n'
SECOND = '"""Twice `number`."""\ndouble: int\nassert double == 2 * number\n'


@pytest.fixture
def options(tmp_path, script):
    path = str(tmp_path / "history.duckdb")

    def make(*answers, **more):
        return {"model": script(*answers).removeprefix("--model "), "history": path, "sandbox": "process", **more}

    yield make
    open_history(path).close()


def test_the_targets_of_one_loop_are_names_of_the_next(options):
    chain = Loop.from_cell(FIRST, "first").then(Loop.from_cell(SECOND, "second"))
    run = chain.run(**options(json.dumps({"number": 7, "double": 14})))

    assert run.wait(60).reason is StopReason.VERIFIED
    assert (run.names["number"], run.names["double"]) == (7, 14)
    assert [one.name for one in run.runs] == ["first", "second"]


def test_a_loop_that_is_not_accepted_ends_the_chain(options):
    chain = Loop.from_cell(FIRST, "first").then(Loop.from_cell(SECOND, "second"))

    run = chain.run(**options('{"number": 1}', iterations=1))

    assert run.wait(60).message.startswith("first: ")
    assert len(run.runs) == 1


def test_both_are_children_of_one_run(options):
    chosen = options('{"number": 7, "double": 14}')
    run = Loop.from_cell(FIRST, "first").then(Loop.from_cell(SECOND, "second")).run(**chosen)
    run.wait(60)

    rows = open_history(chosen["history"]).sql(
        "SELECT loop FROM runs WHERE parent = $run ORDER BY started_at", {"run": run.nesting.run}
    )
    assert [name for (name,) in rows] == ["first", "second"]
    assert run.usage.tokens == sum(one.usage.tokens for one in run.runs)


async def test_runs_are_gathered_and_maps_awaited(options):
    loop = Loop.from_cell(FIRST, "first")
    row = Loop.from_cell('"""Name the colour in `row`."""\ncolour: str\nassert colour in row.text\n', "colours")
    runs = [loop.run(fresh=True, **options('{"number": 5}')) for _ in range(3)]
    mapped = row.map([{"text": "red"}, {"text": "red!"}], **options("red", "red"))

    ends = await asyncio.gather(*runs, mapped)

    assert [end.reason for end in ends] == [StopReason.VERIFIED] * 4
    assert [one["colour"] for one in mapped.rows] == ["red", "red"]
