"""Overshoot is zero: over random caps, costs, failures, refusals and stops, a map never spends beyond its limits."""

import json
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_loops.core.budget import Price
from jupyter_loops.errors import ErrorClass, ModelError

from .conftest import AnsweringModel
from .test_map import records

NEAR = 1e-9
CASES = st.fixed_dictionaries(
    {
        "rows": st.integers(1, 25),
        "usd": st.floats(1e-4, 4e-3),
        "tokens": st.integers(100, 4000) | st.none(),
        "calls": st.integers(1, 40) | st.none(),
        "right": st.integers(1, 4),  # the round in which a row is right
        "faults": st.lists(st.sampled_from([*[*ErrorClass][:4], None]), max_size=8),
        "stop_after": st.integers(1, 30) | st.none(),  # calls
        "concurrency": st.integers(1, 32),
    }
)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(case=CASES)
def test_whatever_happens_a_map_keeps_its_limits(start_map, case):
    asked, stop = 0, threading.Event()

    def answer(row, times):
        nonlocal asked
        asked += 1
        if asked == case["stop_after"]:
            stop.set()
        length = len(json.loads(row)["text"])
        return json.dumps({"length": length if times >= case["right"] else -times})

    faults = [ModelError("no", fault) for fault in case["faults"] if fault is not None]
    model = AnsweringModel(answer, delay=0.002, price=Price(prompt=1e-6, completion=4e-6), errors=faults)
    run = start_map(
        records(case["rows"]),
        model,
        fresh=True,
        concurrency=case["concurrency"],
        time=20.0,
        **{name: case[name] for name in ("usd", "tokens", "calls")},
    )
    while not run.future.done():
        if stop.wait(0.02):
            run.stop()
            stop.clear()
    account = run.map_cycle.nesting.ledger.account

    assert run.future.exception() is None
    assert all(left >= -NEAR for left in account.budget.remaining(account.spent).values()), account.spent
    assert account.reserved.calls == account.reserved.tokens == 0
    assert account.reserved.usd == pytest.approx(0, abs=NEAR)
    assert len(run.rows) == run.progress.done <= case["rows"]
    assert sum(row["tokens"] for row in run.rows) == account.spent.tokens
