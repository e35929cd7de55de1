"""A cap is a cap, whatever happens between reserve and settle."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_loops.core.budget import Budget, Price, Usage
from jupyter_loops.engine.ledger import LEAST_ANSWER, Ledger
from jupyter_loops.errors import BudgetError

PRICE = Price(prompt=1e-6, completion=4e-6)


def test_reserves_the_worst_case_and_gives_the_rest_back():
    ledger = Ledger(Budget(tokens=1000, usd=None), PRICE)

    reservation = ledger.reserve(100, 500)
    with pytest.raises(BudgetError):
        ledger.reserve(390, 100)
    ledger.settle(reservation, Usage(tokens=150))

    assert ledger.reserve(390, 100).max_tokens == 100
    assert ledger.usage.tokens == 150


def test_cuts_the_answer_to_what_is_left():
    ledger = Ledger(Budget(usd=0.001, tokens=None), PRICE)

    reservation = ledger.reserve(200, 1000)

    assert reservation.max_tokens == 200  # $0.0008 left after the prompt, at $4 a million
    assert reservation.worst.usd <= 0.001


def test_refuses_a_call_that_leaves_no_room_for_an_answer():
    ledger = Ledger(Budget(usd=None, tokens=100), None)

    with pytest.raises(BudgetError) as refusal:
        ledger.reserve(80, 500)

    assert (refusal.value.limit, refusal.value.left) == ("tokens", 100)
    assert refusal.value.needed == 80 + LEAST_ANSWER


def test_an_unknown_price_still_holds_the_token_limit():
    ledger = Ledger(Budget(usd=1.0, tokens=300), None)

    assert ledger.reserve(100, 1000).max_tokens == 200


def test_tells_its_listener_what_is_spent_and_what_is_reserved():
    heard = []
    ledger = Ledger(Budget(tokens=1000), None, lambda spent, reserved: heard.append((spent, reserved)))

    reservation = ledger.reserve(100, 100)
    ledger.settle(reservation, Usage(tokens=120, calls=1))

    assert heard[0][1]["tokens"] == 200
    assert (heard[1][0]["tokens"], heard[1][1]["tokens"]) == (120, 0)


def test_amended_limits_hold_at_once():
    ledger = Ledger(Budget(tokens=100), None)
    with pytest.raises(BudgetError):
        ledger.reserve(100, 100)

    ledger.amend(tokens=1000)

    assert ledger.reserve(100, 100).max_tokens == 100


calls = st.lists(
    st.tuples(
        st.integers(1, 3000),  # prompt tokens
        st.integers(1, 2000),  # wanted answer
        st.floats(0, 1),  # how much of the reserved answer was used
        st.booleans(),  # whether it is still open when the next one comes
    ),
    max_size=40,
)


@given(calls, st.floats(0.0001, 0.05), st.integers(100, 20000))
def test_never_spends_more_than_the_budget(calls, usd, tokens):
    ledger = Ledger(Budget(usd=usd, tokens=tokens), PRICE)
    still_open = []
    for prompt, answer, share, stays_open in calls:
        try:
            reservation = ledger.reserve(prompt, answer)
        except BudgetError:
            continue
        used = int(reservation.max_tokens * share)
        usage = Usage(usd=PRICE.cost(prompt, used), tokens=prompt + used, calls=1)
        still_open.append((reservation, usage))
        if not stays_open:
            for one in still_open:
                ledger.settle(*one)
            still_open = []
        assert ledger.usage.usd <= usd + 1e-12
        assert ledger.usage.tokens <= tokens
    for one in still_open:
        ledger.settle(*one)

    assert ledger.usage.usd <= usd + 1e-12
    assert ledger.usage.tokens <= tokens


@given(st.floats(0, 10), st.integers(0, 10**6))
def test_usages_add_and_subtract(usd, tokens):
    one = Usage(usd=usd, tokens=tokens, calls=1)

    assert replace((one + one) - one, usd=0) == replace(one, usd=0)
    assert ((one + one) - one).usd == pytest.approx(usd)


def test_a_call_to_another_model_is_reserved_and_settled_at_its_own_price():
    ledger = Ledger(Budget(usd=1.0), Price(prompt=0.0, completion=0.0))
    dear = Price(prompt=0.001, completion=0.002)

    reservation = ledger.reserve(100, 1000, dear)

    assert reservation.worst.usd == pytest.approx(1.0)  # the answer was cut to what is left
    assert reservation.max_tokens == 450
    assert reservation.cost(100, 10) == pytest.approx(0.12)
    with pytest.raises(BudgetError):
        ledger.reserve(100, 1000, dear)
    assert ledger.reserve(100, 1000).worst.usd == 0.0  # the quoted model is free
