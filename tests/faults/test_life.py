"""Kernels that are killed, restarted and interrupted, at every point of a run."""

from __future__ import annotations

import ast
import os
import signal
import time

import psutil
import pytest

SPIN = "```python\ndef double(n: int) -> int:\n    while True:\n        pass\n```"
RUNS = "%loop_sql --to rows SELECT run_id, state::VARCHAR FROM runs WHERE loop = '{}'"
EVENTS = "%loop_sql --to rows SELECT kind FROM events WHERE run_id = '{}' ORDER BY seq"
AT_ONCE = 10.0  # seconds, where waiting would take 30 or more; how quick it is, tests/benchmarks/stopping.py says


@pytest.fixture
def kernel(kernels):
    return kernels()


def descendants(pid):
    return psutil.Process(pid).children(recursive=True)


def gone(processes, seconds=3.0):
    """Whether the processes end in time; a zombie is one that a careless parent has not looked at yet."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        left = [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
        if not left:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize(("answer", "state"), [("words " * 400, "plan"), (SPIN, "verify")])
def test_a_killed_kernel_leaves_no_process_and_its_events(kernels, cell, right, answer, state):
    first = kernels()
    name = f"killed_in_{state}"
    first.start(cell(answer, name=name, delay=30 if state == "plan" else 0, options="--timeout 60s"))
    first.until_it(state)
    time.sleep(1.0)
    children = descendants(first.pid)
    assert children
    os.kill(first.pid, signal.SIGKILL)

    assert gone(children)
    second = kernels()
    (row,) = eval(
        second.run(f"%loop_sql --to rows SELECT run_id, state::VARCHAR FROM runs WHERE loop = '{name}'").result
    )
    kinds = [kind for (kind,) in ast.literal_eval(second.run(EVENTS.format(row[0])).result)]
    assert row[1] == state
    assert kinds[0] == "run_started"
    assert "call_started" in kinds
    assert "run_ended" not in kinds
    assert f"kernel ended: {state}" in second.run("%loops").result
    assert second.run("from jupyter_loops import history; history.open_history().verify()").result == "[]"
    assert second.run(cell(right, name=name)).ok
    assert second.run("double(4)").result == "8"


def test_a_live_run_of_another_kernel_is_shown_as_live(kernels, cell, right):
    first, second = kernels(), kernels()
    message = first.start(cell(right, name="elsewhere", delay=60))
    first.until_it("plan")
    time.sleep(1.0)  # another kernel's newest events follow within a second
    listed = [line for line in second.run("%loops").result.splitlines() if line.startswith("elsewhere")]
    first.manager.interrupt_kernel()
    first.finish(message)

    assert "running: plan" in listed[0]


def test_a_restart_in_the_middle_of_a_run_leaves_nothing_running(kernel, cell, right):
    kernel.start(cell(SPIN, name="restarted", options="--timeout 60s"))
    kernel.until_it("verify")
    time.sleep(0.3)
    children = descendants(kernel.pid)
    kernel.manager.restart_kernel(now=False)
    kernel.client.wait_for_ready(timeout=30)

    assert children
    assert gone(children)
    assert kernel.run("%load_ext jupyter_loops").ok
    listed = [line for line in kernel.run("%loops").result.splitlines() if line.startswith("restarted")]
    assert "running" not in listed[0]
    assert kernel.run(cell(right, name="restarted")).ok


@pytest.mark.parametrize(
    ("answer", "state"), [("words " * 400, "plan"), (SPIN, "verify")], ids=["streaming", "spinning"]
)
def test_stop_waits_for_neither_the_model_nor_the_candidate(kernel, cell, answer, state):
    message = kernel.start(cell(answer, name="stopped", delay=60 if state == "plan" else 0, options="--timeout 60s"))
    shown = kernel.shown(message)
    kernel.until_it(state)
    time.sleep(0.5)
    children = descendants(kernel.pid)
    clicked = time.monotonic()
    kernel.click(shown, "stop")
    reply = kernel.finish(message)
    seconds = time.monotonic() - clicked

    assert seconds < AT_ONCE
    assert "NotVerified: stopped is not verified: stopped" in reply.error
    assert gone(children, 5.0)
    assert kernel.run("print(stopped.termination.reason)").text == "stopped\n"


@pytest.mark.parametrize(
    ("answer", "state"), [("words " * 400, "plan"), (SPIN, "verify")], ids=["streaming", "spinning"]
)
def test_an_interrupt_keeps_the_round_and_the_kernel(kernel, cell, answer, state):
    message = kernel.start(cell(answer, name="cut", delay=60 if state == "plan" else 0, options="--timeout 60s"))
    kernel.until_it(state)
    time.sleep(0.5)
    began = time.monotonic()
    kernel.manager.interrupt_kernel()
    reply = kernel.finish(message)

    assert time.monotonic() - began < AT_ONCE
    assert len(reply.screen) == 1
    assert "cut is not verified: interrupted" in reply.error
    assert "interrupted, in" in kernel.run("cut.history.rounds(cut.id)[0]['why']").result
    assert kernel.run("1 + 1").result == "2"


@pytest.mark.parametrize("how", ["stop", "interrupt"])
def test_a_paused_run_can_be_ended(kernel, cell, wrong, how):
    message = kernel.start(cell(*[wrong] * 40, name="paused", delay=0.3, options="-n 40"))
    shown = kernel.shown(message)
    kernel.until_it("plan", "execute")
    kernel.click(shown, "pause")
    kernel.until_it("wait")
    time.sleep(0.5)
    began = time.monotonic()
    kernel.manager.interrupt_kernel() if how == "interrupt" else kernel.click(shown, "stop")
    reply = kernel.finish(message)

    assert time.monotonic() - began < AT_ONCE
    assert f"paused is not verified: {how}" in reply.error


def test_whoever_waits_for_a_run_that_never_began_is_told(kernel, cell, right):
    body = "import time\ntime.sleep(30)\ndef double(n): 'Twice.'\nassert double(2) == 4"
    assert kernel.run(cell(right, name="early", body=body, options="-b")).ok
    kernel.run("import time; time.sleep(0.5); early.stop()")
    for code in ["early.wait()", "await early"]:
        reply = kernel.run(code)
        assert reply.error == "LoopError: early was stopped before it began"
        assert len(reply.screen) == 1
    assert "stopped before it began" in kernel.run("print(early)").text


def test_the_view_has_the_name_before_the_run_began(kernel, cell, right):
    body = "import time\ntime.sleep(1)\ndef double(n): 'Twice.'\nassert double(2) == 4"
    message = kernel.start(cell(right, name="named", body=body))
    assert kernel.shown(message)["text/plain"].startswith(("named: preparing", "named: starting the sandbox"))
    assert kernel.finish(message).ok
