"""Attempts side by side: the first verified one wins, the others are stopped, one ledger holds."""

import time
from concurrent.futures import wait

import pytest

from jupyter_loops.assemble import Adapters, Options, launch
from jupyter_loops.attempts import launch_attempts as module
from jupyter_loops.attempts.launch_attempts import AttemptOptions, launch_attempts
from jupyter_loops.core.budget import Price
from jupyter_loops.core.termination import StopReason
from jupyter_loops.errors import LoopError, NotVerified, OptionError
from jupyter_loops.execution.sandbox import ZygoteSandbox
from jupyter_loops.history import open_history
from jupyter_loops.language import parse
from jupyter_loops.planning.models.replay import ReplayModel

CELL = '"""Give the answer."""\nanswer: int\nassert answer == 42\n'
SCORE = '"""A high number."""\nanswer: int\nmaximize(answer)\n'


@pytest.fixture
def start(tmp_path):
    path = str(tmp_path / "history.duckdb")

    def start(*scripts, cell=CELL, share=False, delays=(), **options):
        models = [
            ReplayModel(
                [f'{{"answer": {answer}}}' for answer in script],
                delay=delays[n] if delays else 0.0,
                name=f"model {n}",
                price=Price(prompt=1e-6, completion=1e-6),
            )
            for n, script in enumerate(scripts)
        ]
        adapters = [Adapters(model, ZygoteSandbox(isolation="process")) for model in models]
        chosen = Options(**{"history": path, "sandbox": "process", "iterations": 4, **options})
        group = launch_attempts(
            parse(cell, "task"), chosen, AttemptOptions(parallel=len(scripts), share=share), adapters=adapters
        )
        return group, models

    start.history = path
    yield start
    open_history(path).close()


def test_the_first_verified_attempt_wins_and_the_others_stop_at_once(start):
    group, _ = start([42], [1, 2, 3, 4], delays=(0.1, 30.0))
    began = time.monotonic()

    end = group.wait(60)

    assert end.reason is StopReason.VERIFIED
    assert end.message.startswith("attempt 1 of 2 (model 0)")
    assert group.winner is group.runs[0]
    assert group.runs[1].termination.reason is StopReason.STOPPED
    assert time.monotonic() - began < 25
    assert group.nesting.ledger.account.reserved.calls == 0
    assert group.nesting.ledger.account.reserved.usd == pytest.approx(0)
    names = {}
    group.bind(names)
    assert names["answer"] == 42


def test_a_score_is_decided_by_the_best_of_all(start):
    group, _ = start([5, 6], [9, 8], [1, 2], cell=SCORE, iterations=2)

    group.wait(60)

    assert group.winner is group.runs[1]
    assert group.winner.values == {"answer": 9}


def test_what_all_spend_counts_on_one_ledger_and_each_is_a_child(start):
    group, _ = start([1, 42], [1, 2, 3, 4], delays=(0.5, 0.5))
    group.wait(60)

    assert group.usage.tokens == sum(run.usage.tokens for run in group.runs)
    rows = open_history(start.history).sql(
        "SELECT loop, relation FROM runs WHERE parent = $run ORDER BY loop", {"run": group.id}
    )
    assert [*rows] == [("task[1]", "nested"), ("task[2]", "nested")]


def test_a_cap_holds_over_all_attempts(start):
    group, _ = start([1] * 9, [2] * 9, [3] * 9, tokens=500, iterations=9)

    end = group.wait(60)

    assert not end.verified
    assert group.usage.tokens <= 500
    with pytest.raises(NotVerified):
        group.check()


def test_attempts_that_share_tell_each_other_what_failed(start):
    group, models = start([7, 8, 9, 10], [1, 2, 3, 42], delays=(0.3, 0.4), share=True)
    group.wait(60)

    prompts = [message.content for prompt in models[1].asked for message in prompt.messages]
    assert any("Another attempt at this failed" in prompt for prompt in prompts)


def test_a_stop_ends_all_of_them(start):
    group, _ = start([1] * 4, [1] * 4, delays=(30.0, 30.0))
    while not all(run.cycle.readiness for run in group.runs):
        time.sleep(0.01)
    group.stop()

    assert group.wait(20).reason is StopReason.STOPPED
    assert [run.termination.reason for run in group.runs] == [StopReason.STOPPED] * 2


def test_an_attempt_that_never_began_is_shown_as_stopped(start):
    group, _ = start([42], [1])
    group.runs[1].stop()

    group.wait(60)

    assert group.runs[1].termination is None
    assert group.lane(group.runs[1]).startswith("attempt 2, model 1: stopped before it began, round 0")


def test_attempts_before_one_that_cannot_begin_are_stopped(start, tmp_path, monkeypatch):
    launched = []
    monkeypatch.setattr(module, "launch", lambda *a, **k: launched.append(launch(*a, **k)) or launched[-1])
    script = tmp_path / "script.json"
    script.write_text('{"answers": ["1"], "delay": 60}')
    options = Options(history=start.history, sandbox="process")

    with pytest.raises(LoopError, match="nowhere"):
        launch_attempts(
            parse(CELL, "task"), options, AttemptOptions(models=(f"script:{script}", "script:nowhere.json"))
        )

    (first,) = launched
    wait({first.future}, 20)
    assert first.future.cancelled() or first.termination.reason is StopReason.STOPPED


@pytest.mark.parametrize("count", [0, -1, True, "4"])
def test_a_number_of_attempts_that_is_none_is_refused(count):
    with pytest.raises(OptionError, match="--parallel must be a whole number"):
        AttemptOptions(parallel=count)
