"""Circuit breakers, on a clock that only moves when it is told to."""

import pytest

from jupyter_loops.engine.breaker import LONGEST, PAUSE, THRESHOLDS, Breakers, Phase
from jupyter_loops.errors import BreakerError, ErrorClass

TRANSIENT = ErrorClass.TRANSIENT


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breakers(clock):
    return Breakers(clock)


def fail(breakers, times=1, fault=TRANSIENT, model="m"):
    steps = []
    for _ in range(times):
        leave, opened = breakers.admit(model)
        steps += [*opened, *breakers.failed(leave, fault)]
    return [(step.before, step.breaker.phase) for step in steps]


def test_opens_after_so_many_faults_in_a_row(breakers):
    assert fail(breakers, THRESHOLDS[TRANSIENT] - 1) == []
    assert fail(breakers) == [("closed", "open")]
    with pytest.raises(BreakerError, match="m was left alone after 5 times transient in a row") as shut:
        breakers.admit("m")
    assert shut.value.seconds == PAUSE


def test_an_answer_in_between_starts_the_count_anew(breakers):
    fail(breakers, THRESHOLDS[TRANSIENT] - 1)
    assert breakers.answered(breakers.admit("m")[0]) == []
    assert fail(breakers, THRESHOLDS[TRANSIENT] - 1) == []


def test_another_model_another_endpoint_and_another_fault_have_their_own(breakers):
    fail(breakers, THRESHOLDS[TRANSIENT])
    breakers.admit("other")
    breakers.admit("m", "http://elsewhere")
    fail(breakers, 2, ErrorClass.AUTH, "n")
    assert [(one.model, one.fault, one.failures) for one in breakers.all() if one.phase is Phase.CLOSED] == [
        ("n", "auth", 2)
    ]


def test_one_probe_leaves_and_the_others_wait_for_it(breakers, clock):
    fail(breakers, THRESHOLDS[TRANSIENT])
    clock.now = PAUSE
    leave, steps = breakers.admit("m")
    assert [(step.before, step.breaker.phase) for step in steps] == [("open", "half_open")]
    with pytest.raises(BreakerError, match="another call is asking"):
        breakers.admit("m")
    assert [step.breaker.phase for step in breakers.answered(leave)] == ["closed"]
    breakers.admit("m")


def test_a_probe_that_fails_doubles_the_pause_up_to_a_limit(breakers, clock):
    fail(breakers, THRESHOLDS[TRANSIENT])
    pauses = []
    for _ in range(9):
        clock.now += breakers.all()[0].pause
        fail(breakers)
        pauses.append(breakers.all()[0].pause)
    assert pauses[:3] == [10.0, 20.0, 40.0]
    assert pauses[-1] == LONGEST
    assert breakers.all()[0].openings == 10


def test_a_probe_that_meets_another_fault_closes_the_breaker(breakers, clock):
    fail(breakers, THRESHOLDS[TRANSIENT])
    clock.now = PAUSE
    leave, _ = breakers.admit("m")
    assert [(s.breaker.fault, s.breaker.phase) for s in breakers.failed(leave, ErrorClass.AUTH)] == [
        ("transient", "closed")
    ]


def test_a_cancelled_probe_leaves_its_place_to_the_next(breakers, clock):
    fail(breakers, THRESHOLDS[TRANSIENT])
    clock.now = PAUSE
    breakers.abandoned(breakers.admit("m")[0])
    leave, _ = breakers.admit("m")
    assert leave.probes == (TRANSIENT,)


@pytest.mark.parametrize("fault", [ErrorClass.BAD_REQUEST, ErrorClass.REFUSED, ErrorClass.CONTEXT_OVERFLOW])
def test_a_fault_of_one_question_never_opens_and_shows_that_the_endpoint_is_there(breakers, fault):
    fail(breakers, THRESHOLDS[TRANSIENT] - 1)
    assert fail(breakers, 50, fault) == []
    assert fail(breakers, THRESHOLDS[TRANSIENT] - 1) == []


def test_a_call_that_left_before_the_opening_changes_nothing_by_failing(breakers):
    early, _ = breakers.admit("m")
    fail(breakers, THRESHOLDS[TRANSIENT])
    assert breakers.failed(early, TRANSIENT) == []
    assert breakers.all()[0].phase is Phase.OPEN


def test_threads_let_exactly_one_probe_through(breakers, clock):
    from concurrent.futures import ThreadPoolExecutor

    fail(breakers, THRESHOLDS[TRANSIENT])
    clock.now = PAUSE

    def ask(_):
        try:
            return breakers.admit("m")[0].probes
        except BreakerError:
            return None

    with ThreadPoolExecutor(16) as pool:
        assert [got for got in pool.map(ask, range(400)) if got is not None] == [(TRANSIENT,)]
