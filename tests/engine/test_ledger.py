"""A cap is a cap, whatever happens between reserve and settle."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_loops.core.budget import Budget, Price, Usage
from jupyter_loops.core.plain import plain
from jupyter_loops.engine.ledger import LEAST_ANSWER, Ledger
from jupyter_loops.errors import BudgetError, PreflightError

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

    assert (refusal.value.limit, refusal.value.remaining) == ("tokens", 100)
    assert refusal.value.needed == 80 + LEAST_ANSWER


def test_an_unknown_price_still_holds_the_token_limit():
    ledger = Ledger(Budget(usd=1.0, tokens=300), None)

    assert ledger.reserve(100, 1000).max_tokens == 200


def test_tells_its_listener_what_is_spent_and_what_is_reserved():
    heard = []
    ledger = Ledger(Budget(tokens=1000), None, lambda spent, reserved: heard.append((plain(spent), plain(reserved))))

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


def test_a_call_limit_counts_every_request():
    ledger = Ledger(Budget(calls=2), None)
    for _ in range(2):
        ledger.settle(ledger.reserve(10, 10), Usage(tokens=20, calls=1))

    with pytest.raises(BudgetError) as refusal:
        ledger.reserve(10, 10)

    assert (refusal.value.limit, refusal.value.needed, refusal.value.remaining) == ("calls", 1, 0)
    assert ledger.exhausted() == ("calls", ledger.account)


def test_a_child_is_held_by_its_own_limits_and_by_those_around_it():
    outer = Ledger(Budget(usd=0.01, tokens=1000), PRICE)
    inner = outer.child(Budget(usd=None, tokens=5000), scope="the loop that called this one")

    reservation = inner.reserve(500, 5000)

    assert reservation.max_tokens == 500  # what the outer one has left
    inner.settle(reservation, Usage(usd=0.002, tokens=900, calls=1))
    assert outer.usage.tokens == inner.usage.tokens == 900
    with pytest.raises(BudgetError, match="100 is left of the loop that called this one"):
        inner.reserve(90, 500)


def test_rounds_of_a_child_are_its_own():
    outer = Ledger(Budget(iterations=1), PRICE)
    inner = outer.child(Budget(iterations=5))

    inner.count_iteration()

    assert (inner.usage.iterations, outer.usage.iterations) == (1, 0)
    assert outer.exhausted() is None


def test_the_time_around_a_child_is_its_time_too():
    outer = Ledger(Budget(seconds=5))

    assert outer.child(Budget(seconds=60)).remaining_seconds <= 5
    assert outer.child(Budget(seconds=1)).remaining_seconds <= 1


def test_cached_and_reasoning_tokens_have_prices_of_their_own():
    price = Price(prompt=2e-6, completion=4e-6, cached=1e-6, reasoning=10e-6)

    assert price.cost(1000, 500, cached_tokens=600, reasoning_tokens=200) == pytest.approx(
        400 * 2e-6 + 600 * 1e-6 + 300 * 4e-6 + 200 * 10e-6
    )
    assert price.worst(1000, 500) == pytest.approx(1000 * 2e-6 + 500 * 10e-6)
    assert price.cost(10, 5, cached_tokens=99, reasoning_tokens=99) == pytest.approx(10e-6 + 50e-6)  # more than all


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("3,15", Price(prompt=3e-6, completion=15e-6, source="option")),
        ("$3, $15, 0.3", Price(prompt=3e-6, completion=15e-6, cached=0.3e-6, source="option")),
        ("3,15,0.3,20", Price(prompt=3e-6, completion=15e-6, cached=0.3e-6, reasoning=20e-6, source="option")),
        ("0,0", Price(prompt=0.0, completion=0.0, source="option")),
    ],
)
def test_a_price_is_read_in_dollars_for_a_million_tokens(text, price):
    read = Price.per_million(text)

    assert (read.prompt, read.completion, read.cached, read.reasoning) == pytest.approx(
        (price.prompt, price.completion, price.cached, price.reasoning)
    )


@pytest.mark.parametrize("text", ["3", "", "a,b", "-1,2", "nan,1", "1,inf", "1,2,3,4,5"])
def test_a_price_that_cannot_be_one_is_refused(text):
    with pytest.raises(ValueError, match="US dollars for a million tokens, in,out"):
        Price.per_million(text)


def test_an_unknown_price_is_refused_with_the_ways_out():
    with pytest.raises(PreflightError, match=r"--usd 1 cannot hold.*--tokens 50000.*--price 3,15"):
        Ledger(Budget(usd=1.0)).quote(None, "m")

    Ledger(Budget(usd=1.0, tokens=100)).quote(None, "m")
    Ledger(Budget(usd=None)).quote(None, "m")
    Ledger(Budget(usd=1.0, tokens=100)).child(Budget(usd=0.1)).quote(None, "m")
