"""Runs inside runs: one budget, one end, and on the record as relatives."""

import asyncio

import pytest

from jupyter_loops.assemble import Adapters, Options, launch
from jupyter_loops.core.budget import Price
from jupyter_loops.engine.run_nesting import DEEPEST
from jupyter_loops.errors import LoopError, PreflightError
from jupyter_loops.execution.sandbox import ZygoteSandbox
from jupyter_loops.language import parse
from jupyter_loops.planning.models.replay import ReplayModel

CELL = 'def double(n: int) -> int:\n    """Twice n."""\n\nassert double(2) == 4\n'
RIGHT = "```python\ndef double(n):\n    return n + n\n```"
WRONG = "```python\ndef double(n):\n    return -1\n```"
CENT = Price(prompt=0.0, completion=0.001)


class Nesting(ReplayModel):
    """Runs code of the notebook's, as an approval or a judge does, before it answers."""

    def __init__(self, code, answers, **options):
        super().__init__(answers, **options)
        self._code = code

    async def complete(self, prompt, sampling, on_text=None):
        await asyncio.to_thread(self._code)
        return await super().complete(prompt, sampling, on_text)


@pytest.fixture
def inner(tmp_path):
    """Start a run as code in a kernel does: nobody says whose child it is."""

    def start(*answers, name="inner", delay=0.0, price=CENT, model=None, parent=None, **options):
        options = Options(history=str(tmp_path / "history.duckdb"), sandbox="process", **{"fresh": True, **options})
        model = model or ReplayModel(answers, delay=delay, price=price)
        lineage = parent.cycle.lineage if parent else None
        return launch(parse(CELL, name), options, adapters=Adapters(model, ZygoteSandbox("process")), parent=lineage)

    return start


def test_a_run_inside_a_run_is_its_child_and_spends_its_money(start, inner):
    made = []
    run = start(CELL, model=Nesting(lambda: made.append(inner(RIGHT)) or made[0].wait(30), [RIGHT], price=CENT), usd=10)

    assert run.wait(60).reason == "verified"
    [child] = made
    assert child.termination.reason == "verified"
    assert child.usage.usd > 0
    assert run.usage.usd > child.usage.usd
    assert run.usage.calls == 2
    rows = run.history.sql("SELECT run_id, parent FROM runs ORDER BY started_at").fetchall()
    assert rows == [(run.id, None), (child.id, run.id)]


def test_a_child_cannot_spend_more_than_is_left_around_it(start, inner):
    made = []
    code = lambda: made.append(inner(WRONG, usd=100.0)) or made[0].wait(30)  # noqa: E731
    run = start(CELL, model=Nesting(code, [RIGHT], price=CENT), usd=0.06)
    run.wait(60)

    assert made[0].termination.reason == "budget_usd"
    assert run.usage.usd <= 0.06


def test_stopping_the_outer_run_stops_the_inner_one(start, inner):
    made = []
    run = start(CELL, model=Nesting(lambda: made.append(inner(RIGHT * 50, delay=60)) or made[0].wait(60), [RIGHT]))
    wait_for(lambda: made and made[0].state == "plan")
    run.stop()

    assert run.wait(10).reason == "stopped"
    assert made[0].wait(10).reason == "stopped"


def test_a_child_that_is_left_alone_ends_with_its_parent(start, inner):
    made = []

    def leave_alone():
        made.append(inner(RIGHT * 50, delay=60))
        wait_for(lambda: made[0].state == "plan")

    run = start(CELL, model=Nesting(leave_alone, [RIGHT]))

    assert run.wait(30).reason == "verified"
    assert made[0].wait(10).reason == "stopped"


def test_nesting_has_a_depth(start, inner):
    said = []

    def deeper(depth):
        def code():
            try:
                model = Nesting(deeper(depth + 1), [RIGHT])
                inner(name=f"inner{depth}", model=model).wait(60)
            except PreflightError as error:
                said.append(str(error))

        return code

    run = start(CELL, model=Nesting(deeper(1), [RIGHT]))

    assert run.wait(90).reason == "verified"
    assert said == [f"inner{DEEPEST} would be a loop inside {DEEPEST} others, and {DEEPEST} in all may be nested"]


def test_a_parent_can_be_named_but_not_once_it_is_over(start, inner):
    run = start(CELL, RIGHT)
    run.pause()
    child = inner(RIGHT, parent=run)
    assert child.wait(30).reason == "verified"
    assert run.history.run(child.id)["parent"] == run.id
    run.resume()
    run.wait(30)
    with pytest.raises(PreflightError, match="cannot run inside task, which is over"):
        inner(RIGHT, parent=run)


def test_runs_beside_each_other_are_not_related(start, inner):
    first, second = start(CELL, RIGHT), inner(RIGHT)
    first.wait(30)
    second.wait(30)
    assert first.history.sql("SELECT count(*) FROM runs WHERE parent IS NOT NULL").fetchall() == [(0,)]


def test_waiting_on_the_engines_own_thread_is_refused(start, inner):
    said = []

    class Blocking(ReplayModel):
        async def complete(self, prompt, sampling, on_text=None):
            child = inner(RIGHT)
            try:
                child.wait()
            except LoopError as error:
                said.append(str(error))
            return await super().complete(prompt, sampling, on_text)

    assert start(CELL, model=Blocking([RIGHT])).wait(30).reason == "verified"
    assert said == ["waiting here would hold up every run: await it instead"]


def wait_for(there, seconds=20):
    import time

    end = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_an_approval_that_runs_a_loop_is_its_parent(start, inner):
    made = []

    def approve(_approval):
        made.append(inner(RIGHT))
        return made[0].wait(30).verified

    from jupyter_loops.assemble import Person

    cell = CELL + "assert approve(double)\n"
    run = start(cell, RIGHT, price=CENT, usd=10, person=Person(callback=approve))

    assert run.wait(60).reason == "verified"
    assert run.history.run(made[0].id)["parent"] == run.id
    assert run.usage.calls == 2
