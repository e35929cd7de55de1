"""Overshoot is zero: over random calls, failures, cancellations, retries, parallel attempts and nested ledgers."""

import threading

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_loops.core.budget import Budget, Price, Usage
from jupyter_loops.engine.ledger import Ledger
from jupyter_loops.errors import BudgetError

from .overshoot import NEAR, cases, play


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases)
def test_whatever_happens_no_ledger_of_a_family_is_overdrawn(case):
    play(case)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 500), st.integers(1, 500), st.floats(0, 1)), min_size=4, max_size=40))
def test_threads_that_share_a_family_cannot_overdraw_it(calls):
    price = Price(prompt=1e-6, completion=4e-6, reasoning=8e-6)
    outer = Ledger(Budget(usd=0.01, tokens=4000, calls=25), price)
    ledgers = [outer, outer.child(Budget(usd=0.004)), outer.child(Budget(usd=0.009, tokens=2000))]
    gate = threading.Barrier(4)

    def work(offset):
        gate.wait()
        for number, (prompt, answer, share) in enumerate(calls):
            ledger = ledgers[(number + offset) % 3]
            try:
                reservation = ledger.reserve(prompt, answer)
            except BudgetError:
                continue
            used = int(reservation.max_tokens * share)
            ledger.settle(reservation, Usage(usd=price.worst(prompt, used), tokens=prompt + used, calls=1))

    threads = [threading.Thread(target=work, args=(offset,)) for offset in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for ledger in ledgers:
        assert all(left >= -NEAR for left in ledger.budget.remaining(ledger.usage).values())
        assert ledger.account.reserved.tokens == ledger.account.reserved.calls == 0
    assert outer.usage.calls <= 25
