"""The state of a run, folded from its events: beside the state that the live run had."""

import dataclasses
import json

import pytest

from jupyter_loops.core.candidate import Exit, Fault, Figure, File, Frame, Layer, Metric, Observation, Verdict
from jupyter_loops.core.events import KINDS, CandidateExecuted, ChecksEvaluated, Record, RunStarted, StateChanged
from jupyter_loops.core.termination import StopReason
from jupyter_loops.engine.restored_state import fold
from jupyter_loops.verification.verifier import LayeredVerifier

DOUBLE = '''
def double(n: int) -> int:
    """Twice n."""

assert double(2) == 4
assert double(5) == 10
with hidden:
    assert double(-1) == -2
'''
RIGHT = "```python\ndef double(n):\n    return n + n\n```"
HALF_RIGHT = "```python\ndef double(n):\n    return 4\n```"
WRONG = "```python\ndef double(n):\n    return -1\n```"
BROKEN = "```python\ndef double(n):\n    return 1/0\n```"
UNSAFE = "```python\ndef double(n):\n    exit()\n```"
NOTHING = "I would rather not."


def past_of(run, **how):
    records = [Record.of(json.loads(json.dumps(one))) for one in run.history.records(run.id)]
    return fold(records, run.recipe, LayeredVerifier(), **how)


def shown(iteration):
    """What of an iteration matters to the rounds after it."""
    return iteration and (
        iteration.number,
        iteration.candidate,
        iteration.digest,
        iteration.verdicts,
        iteration.why,
        iteration.feedback,
    )


def assert_same(past, live):
    state = live.cycle.state
    assert past.run_state.rounds == state.rounds
    assert shown(past.run_state.best) == shown(state.best)
    assert shown(past.run_state.last) == shown(state.last)
    assert past.run_state.best_key == state.best_key
    assert list(past.run_state.rejected) == list(state.rejected)
    assert past.run_state.since_best == state.since_best


@pytest.mark.parametrize(
    "answers",
    [
        [WRONG, HALF_RIGHT, WRONG, BROKEN],
        [NOTHING, WRONG, NOTHING],
        [UNSAFE, HALF_RIGHT, HALF_RIGHT],
        [BROKEN, BROKEN, WRONG, NOTHING, HALF_RIGHT],
    ],
)
def test_the_folded_state_is_the_one_that_the_run_had(start, answers):
    run = start(DOUBLE, *answers, iterations=len(answers), patience=99)
    run.wait(60)

    past = past_of(run)

    assert_same(past, run)
    assert past.unfinished is None
    assert past.usage.iterations == run.usage.iterations == len(run.cycle.state.rounds)
    assert (past.usage.tokens, past.usage.usd, past.usage.calls) == (run.usage.tokens, run.usage.usd, run.usage.calls)
    assert past.ended.reason == run.termination.reason


def test_the_time_of_a_run_that_never_ended_is_told_by_its_events(start):
    run = start(DOUBLE, WRONG, HALF_RIGHT, iterations=2, delay=0.3)
    run.wait(60)
    records = [Record.of(one) for one in run.history.records(run.id)]

    seconds = fold(records[:-1], run.recipe, LayeredVerifier()).usage.seconds

    assert 0.6 <= seconds <= records[-1].event.usage["seconds"] + 0.2  # the start ends a moment after it is told


def test_a_score_to_improve_folds_too(start):
    cell = "'A short text.'\nname: str\nassert len(name) < 9\nmaximize(len(name))"
    run = start(cell, "abc", "abcdef", "abcd", "much too long", iterations=4, patience=99)
    run.wait(60)

    assert_same(past_of(run), run)


def test_the_state_after_a_round_is_the_one_that_the_next_round_met(start):
    run = start(DOUBLE, WRONG, HALF_RIGHT, BROKEN, iterations=3, patience=99)
    run.wait(60)

    past = past_of(run, upto=2)

    assert [one.iteration for one in past.run_state.rounds] == [1, 2]
    assert past.run_state.best.number == past.run_state.last.number == 2
    assert past.forked().usage.tokens == 0
    assert past.forked().usage.iterations == 2


def test_a_round_that_was_cut_short_stays_open_with_its_answer(start, ear):
    run = start(DOUBLE, WRONG, "```python\ndef double(n):\n    while True: pass\n```", timeout=60.0)
    while len(ear.of("call_finished")) < 2 or ear.events[-1].kind != "state_changed":
        pass
    run.stop(StopReason.INTERRUPTED)
    run.wait(10)

    past = past_of(run)

    assert [one.iteration for one in past.run_state.rounds] == [1]
    assert past.unfinished.number == 2
    assert [answer.call for _, answer in past.answers] == [2]
    assert past.usage.iterations == 1


def test_a_verified_round_stays_open_because_its_values_are_gone(start):
    run = start(DOUBLE, WRONG, RIGHT)
    run.wait(10)

    past = past_of(run)

    assert past.unfinished.number == 2
    assert past.unfinished.verified(run.recipe)


def test_a_call_in_flight_is_known_as_lost(start):
    run = start(DOUBLE, WRONG, RIGHT)
    run.wait(10)
    records = [Record.of(one) for one in run.history.records(run.id)]
    flying = next(n for n, one in enumerate(records) if one.event.kind == "call_started" and one.event.iteration == 2)

    past = fold(records[: flying + 1], run.recipe, LayeredVerifier())

    assert [call.call for call in past.lost] == [2]
    assert past.answers == []


def test_time_that_a_person_took_does_not_count(start, a_time):
    events = [
        (0, StateChanged(iteration=1, source="prepare", to="plan")),
        (1, StateChanged(iteration=1, source="plan", to="wait", note="paused")),
        (100, StateChanged(iteration=1, source="wait", to="plan", note="resumed")),
        (103, StateChanged(iteration=1, source="plan", to="decide")),
    ]
    records = [Record("r", n, a_time(second), event) for n, (second, event) in enumerate(events, 1)]

    assert fold(records, None, LayeredVerifier()).usage.seconds == 4


@pytest.fixture
def a_time():
    from datetime import UTC, datetime, timedelta

    return lambda second: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second)


def test_every_event_survives_the_way_through_json(start, ear):
    run = start(DOUBLE, WRONG, RIGHT)
    run.hint("try harder")
    run.wait(10)

    for one, event in zip(run.history.records(run.id), ear.events, strict=True):
        assert json.loads(json.dumps(Record.of(one).to_json())) == one
        assert Record.of(one).event == event or event.kind == "run_started"  # a tuple in its options is a list in JSON
    assert all(dataclasses.is_dataclass(kind) and hasattr(kind, "__slots__") for kind in KINDS.values())


def test_nested_values_are_built_again_and_unknown_fields_left_out(a_time):
    fault = Fault(
        type="E", message="m", frames=(Frame(where="check", function="f", line=3, text="t", values={"a": "1"}),)
    )
    verdict = Verdict(check="c", layer=Layer.HIDDEN, passed=False, metric=Metric(value=1.5), fault=fault, hidden=True)
    files = (File(name="a", bytes=1), File(name="b", bytes=2, kept="c/b"))
    figures = (Figure(kind="png", title="t", width=1, height=2, content="aGk="),)
    for event in [
        CandidateExecuted(
            iteration=1, observation=Observation(exit=Exit.RAISED, fault=fault, files=files, figures=figures)
        ),
        ChecksEvaluated(iteration=1, verdicts=[verdict], seconds=0.5),
    ]:
        value = json.loads(json.dumps(Record("r", 1, a_time(0), event).to_json() | {"of_a_later_version": 1}))
        assert Record.of(value) == Record("r", 1, a_time(0), event)


def test_a_kind_of_event_that_is_not_known_is_left_out():
    assert Record.of({"kind": "of_a_later_version", "run": "r", "seq": 1, "at": "2026-01-01T00:00:00+00:00"}) is None


def test_the_kinds_are_all_there():
    assert KINDS["run_started"] is RunStarted
    assert len(KINDS) >= 12
