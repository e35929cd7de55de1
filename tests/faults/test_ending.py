"""A kernel that is told to go: its runs end, and their partial round is on the record."""

from __future__ import annotations

import ast
import signal

import pytest

SPIN = "```python\ndef double(n: int) -> int:\n    while True:\n        pass\n```"
ASK = "%loop_sql --to rows SELECT stop_reason::VARCHAR, why FROM runs JOIN iterations USING (run_id) WHERE loop = '{}'"


@pytest.mark.parametrize("answer", ["words " * 400, SPIN], ids=["streaming", "spinning"])
@pytest.mark.parametrize("how", ["sigterm", "shutdown", "restart"])
def test_a_kernel_that_goes_ends_its_runs_with_what_they_have(kernels, cell, how, answer):
    first, state = kernels(), "verify" if answer == SPIN else "plan"
    name = f"{how}_in_{state}"
    first.start(cell(answer, name=name, delay=60 if state == "plan" else 0, options="--timeout 60s"))
    first.until_it(state)
    if how == "sigterm":
        first.manager.signal_kernel(signal.SIGTERM)
    elif how == "shutdown":
        first.manager.shutdown_kernel(now=False)
    else:
        first.manager.restart_kernel(now=False)
        first.client.wait_for_ready(timeout=30)
    wait_for(lambda: how == "restart" or not first.manager.is_alive())

    [(reason, why)] = ast.literal_eval(kernels().run(ASK.format(name)).result)

    assert reason == "interrupted"
    assert why == f"interrupted, in {state}"


def wait_for(there, seconds=15):
    import time

    end = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < end
        time.sleep(0.05)
