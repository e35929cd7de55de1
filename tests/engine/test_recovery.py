"""One table says what to do about each class of faults, and its waits have bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_loops.core.budget import Budget
from jupyter_loops.core.termination import StopReason
from jupyter_loops.engine.ledger import Ledger
from jupyter_loops.engine.recovery import LONGEST, POLICIES, Action, Patience, Policy
from jupyter_loops.errors import BudgetError, ErrorClass, ModelError


def test_every_class_has_its_policy_and_every_policy_its_end():
    assert set(POLICIES) == set(ErrorClass)
    for policy in POLICIES.values():
        assert isinstance(policy.ends, StopReason | None)
        assert (policy.retries > 0) == (policy.action in {Action.RETRY, Action.SHRINK})


@given(st.integers(0, 20), st.floats(0.1, 5), st.floats(1, 60), st.one_of(st.none(), st.floats(0, 100)))
def test_waits_are_jittered_under_a_cap_and_never_shorter_than_asked(tries, base, cap, retry_after):
    seconds = Policy(retries=9, base=base, cap=cap).wait(tries, retry_after)

    assert (retry_after or 0) <= seconds <= (retry_after or 0) + min(cap, base * 2**tries)


def test_waits_are_spread_over_their_whole_range():
    waits = [Policy(base=1, cap=60).wait(3) for _ in range(400)]

    assert min(waits) < 2
    assert 6 < max(waits) <= 8


def test_each_class_counts_its_own_tries():
    patience = Patience(Ledger(Budget(seconds=600)))
    busy, garbled = ModelError("busy", ErrorClass.TRANSIENT), ModelError("?", ErrorClass.MALFORMED)

    assert patience.after(garbled)[1] == "try 2 of 2, malformed: ?"
    for number in range(2, 6):
        assert patience.after(busy)[1].startswith(f"try {number} of 5, transient")
    with pytest.raises(ModelError):
        patience.after(busy)
    with pytest.raises(ModelError):
        patience.after(garbled)


def test_a_wait_that_would_outlast_the_run_ends_it_at_once():
    patience = Patience(Ledger(Budget(seconds=30)))

    with pytest.raises(BudgetError) as refusal:
        patience.after(ModelError("slow down", ErrorClass.RATE_LIMITED, retry_after=3600))

    assert refusal.value.limit == "seconds"
    assert refusal.value.needed >= 3600
    assert refusal.value.cause == "slow down"


def test_where_there_is_another_model_it_is_asked_instead_of_waiting_too_long():
    fault = ModelError("slow down", ErrorClass.RATE_LIMITED, retry_after=3600)

    with pytest.raises(ModelError, match="slow down"):
        Patience(Ledger(Budget(seconds=30)), last=False).after(fault)


def test_without_a_time_limit_there_is_a_longest_wait():
    with pytest.raises(ModelError, match="tomorrow"):
        Patience(Ledger(Budget(seconds=None))).after(
            ModelError("tomorrow", ErrorClass.RATE_LIMITED, retry_after=LONGEST + 1)
        )


@pytest.mark.parametrize("kind", [ErrorClass.AUTH, ErrorClass.BAD_REQUEST, ErrorClass.REFUSED])
def test_what_cannot_succeed_is_not_tried_again(kind):
    with pytest.raises(ModelError):
        Patience(Ledger(Budget())).after(ModelError("no", kind))
