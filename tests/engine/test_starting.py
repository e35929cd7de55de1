"""What a run needs before it can work does not spend its time."""

import asyncio
import threading

import pytest

from jupyter_loops.core.state import OTHERS
from jupyter_loops.core.termination import StopReason
from jupyter_loops.engine import background
from jupyter_loops.execution import grants, sandbox
from jupyter_loops.execution.examination import Examination
from jupyter_loops.execution.pool import Pool
from jupyter_loops.execution.sandbox import ZygoteSandbox
from jupyter_loops.planning.models.replay import ReplayModel
from jupyter_loops.view.html import html
from jupyter_loops.view.run_text import text
from jupyter_loops.view.snapshot import Snapshot

DOUBLE = '''{setup}
def double(n: int) -> int:
    """Twice n."""

assert double(2) == 4
'''
RIGHT = "```python\ndef double(n):\n    return 2 * n\n```"
SLOW = 2.5  # seconds
SHORT = 2.0  # seconds that the run may take


class Fetched(ReplayModel):
    """A model whose file has to be fetched first."""

    async def open(self):
        await asyncio.sleep(SLOW)


def test_fetching_a_model_and_the_set_up_are_not_charged(start):
    for setup, model in (("", Fetched([RIGHT])), (f"import time\ntime.sleep({SLOW})", ReplayModel([RIGHT]))):
        run = start(DOUBLE.format(setup=setup), model=model, time=SHORT, fresh=True)

        assert run.wait(60).reason == "verified", run.termination.message
        assert run.usage.seconds < SHORT


def test_the_time_limit_holds_from_the_first_round_on(start):
    model = Fetched([RIGHT], delay=30)
    run = start(DOUBLE.format(setup=""), model=model, time=0.5)

    assert run.wait(60).reason == "budget_time"
    assert run.usage.seconds == pytest.approx(0.5, abs=0.4)


def test_a_budget_that_is_raised_during_the_start_holds_afterwards(start):
    run = start(DOUBLE.format(setup=""), model=Fetched([RIGHT], delay=1.0), time=0.1)
    run.raise_budget(seconds=30)

    assert run.wait(60).reason == "verified", run.termination.message


def test_a_long_start_is_shown_as_what_it_is(start, ear):
    run = start(DOUBLE.format(setup=f"import time\ntime.sleep({SLOW})"), RIGHT)
    run.wait(60)
    [began] = ear.of("run_started")
    picture = Snapshot.of(run.history.records(run.id)).to_json()

    assert began.startup["the sandbox and the set-up"] > SLOW
    for drawn in (text(picture), html(picture).replace("&#x27;", "'")):
        assert "start-up, which is none of the run's time: the sandbox and the set-up " in drawn


def test_waiting_for_other_runs_is_shown_and_not_charged(start, ear):
    pool = Pool(places=1)
    other = pool.slot("another run", None)
    background.submit(other.acquire()).result(30)
    sandbox = ZygoteSandbox(isolation="process", pool=pool)
    heard, snapshot, headlines = ear.heard, Snapshot(), []

    def hear(record):
        heard(record)
        snapshot.feed(record.to_json())
        if record.event.kind == "state_changed" and record.event.note == OTHERS:
            headlines.append(snapshot.to_json()["headline"])
            threading.Timer(SLOW, other.release).start()

    ear.heard = hear
    run = start(DOUBLE.format(setup=""), RIGHT, time=SHORT, box=sandbox)

    assert run.wait(60).reason == "verified", run.termination.message
    assert headlines == [f"waiting · {OTHERS}"]
    assert run.usage.seconds < SHORT
    assert snapshot.to_json()["gauges"]["seconds"]["spent"] < SHORT


def test_what_takes_long_in_a_large_cell_is_not_done_on_the_engines_thread(start, monkeypatch):
    done: dict[str, set[bool]] = {}

    def watched(owner, name):
        original = getattr(owner, name)

        def work(*args, **kwargs):
            done.setdefault(name, set()).add(background.is_here())
            return original(*args, **kwargs)

        monkeypatch.setattr(owner, name, work)

    for owner, name in ((grants, "plan"), (sandbox, "private"), (Examination, "orders")):
        watched(owner, name)
    checks = "\n".join(f"assert f({n}) == {n * n}, 'a large cell'" for n in range(200))
    run = start(f"def f(n): 'Square.'\n{checks}", "```python\ndef f(n): return n * n\n```")

    assert run.wait(60).reason is StopReason.VERIFIED
    assert done == {"plan": {False}, "private": {False}, "orders": {False}}
