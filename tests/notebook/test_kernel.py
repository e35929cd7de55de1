"""A real kernel, driven as a notebook drives it."""

import time

import pytest

SAVED = "application/vnd.jupyter-loops.run.v1+json"
WIDGET = "application/vnd.jupyter.widget-view+json"
AT_ONCE = 10.0  # seconds, where waiting would take 30 or more; how quick it is, tests/benchmarks/stopping.py says


def test_a_cell_runs_binds_its_target_and_leaves_a_picture_without_a_widget(kernel, cell, wrong, right):
    reply = kernel.run(cell(wrong, right))

    assert reply.ok, reply.error
    assert reply.values(SAVED)[-1]["termination"]["reason"] == "verified"
    assert WIDGET not in reply.outputs[-1]["content"].get("data", {})
    assert reply.results() == []
    assert kernel.run("double(21)").results() == ["42"]
    assert "verified" in kernel.run("print(twice)").text
    assert kernel.run("import inspect; print(inspect.getsource(double))").text.startswith("def double")


def test_cells_that_wait_in_the_queue_see_the_result(kernel, cell, right):
    first = kernel.start(cell(right, delay=0.5))
    second = kernel.start("double(4)")

    assert kernel.finish(first).ok
    assert kernel.finish(second).results() == ["8"]


def test_a_run_that_is_not_verified_fails_the_cell_with_one_line(kernel, cell, wrong):
    reply = kernel.run(cell(wrong, options="-n 1"))

    assert reply.error.startswith("NotVerified: twice is not verified: iterations")
    (error,) = [one["content"] for one in reply.outputs if one["msg_type"] == "error"]
    assert len(error["traceback"]) == 1
    assert reply.values(SAVED)[-1]["termination"]["reason"] == "iterations"
    assert "def double" in kernel.run("print(twice.best.text)").text


def test_no_raise_returns_the_run(kernel, cell, wrong):
    assert kernel.run(cell(wrong, options="-n 1 --no-raise")).ok
    assert kernel.run("print(twice.termination.reason)").text == "iterations\n"


def test_an_interrupt_is_a_graceful_stop(kernel, cell, right):
    message = kernel.start(cell(right, delay=60))
    kernel.until_it("plan")
    kernel.manager.interrupt_kernel()
    reply = kernel.finish(message)

    assert reply.seconds < AT_ONCE
    assert reply.error.startswith("NotVerified: twice is not verified: interrupted")
    assert reply.values(SAVED)[-1]["termination"]["reason"] == "interrupted"
    assert kernel.run("print(twice.termination.reason)").text == "interrupted\n"
    assert kernel.run("%loop_sql --to rows SELECT stop_reason FROM runs").results() == ["[('interrupted',)]"]


def test_an_interrupt_ends_the_tool_that_is_under_way_and_its_thread(kernel, tmp_path):
    script = tmp_path / "calls.json"
    script.write_text('[{"tool": "slow"}]')
    kernel.run("import threading, time")
    body = "@tool\ndef slow():\n    print('called', flush=True)\n    while True: time.sleep(0.05)\n"
    message = kernel.start(f"%%loop n_of --model script:{script}\n'A number.'\nn: int\n{body}assert n == 5")
    kernel.wait_for("stream", message)
    kernel.manager.interrupt_kernel()
    reply = kernel.finish(message)

    assert reply.error.startswith("NotVerified: n_of is not verified: interrupted")
    assert kernel.run("%loop_sql --to rows SELECT tool, error FROM tool_calls").results() == ["[('slow', 'cancelled')]"]
    left = kernel.run(
        "[one.join(5) for one in threading.enumerate() if one.name == 'tool slow']; threading.enumerate()"
    )
    assert "tool slow" not in left.results()[0]


def test_a_stop_before_the_run_began_says_so(kernel, cell, right):
    body = "import time\ntime.sleep(30)\ndef double(n): 'Twice.'\nassert double(2) == 4"
    message = kernel.start(cell(right, body=body))
    kernel.wait_for("display_data", message)
    time.sleep(1)
    kernel.manager.interrupt_kernel()
    reply = kernel.finish(message)

    assert reply.seconds < AT_ONCE
    assert reply.error == "NotVerified: twice is not verified: interrupted, it had not begun"


def test_a_click_on_stop_is_heard_while_the_cell_runs(kernel, cell, right):
    message = kernel.start(cell(right, delay=60))
    shown = kernel.shown(message)
    if WIDGET not in shown:
        pytest.skip("the widget's script is not built")
    kernel.until_it("plan")
    clicked = time.monotonic()
    kernel.click(shown, "stop")
    reply = kernel.finish(message)

    assert time.monotonic() - clicked < AT_ONCE
    assert reply.error.startswith("NotVerified: twice is not verified: stopped")


@pytest.mark.parametrize("wrapper", ["%%time", "%%capture out"])
def test_a_loop_inside_another_cell_magic_blocks_and_works(kernel, cell, right, wrapper):
    reply = kernel.run(f"{wrapper}\n{cell(right)}")

    assert reply.ok, reply.error
    assert ("Wall time" in reply.text) is (wrapper == "%%time")
    assert kernel.run("double(3)").results() == ["6"]
    assert kernel.run(cell(right, name="again")).ok  # and the next one is awaited as before


def test_an_interrupt_inside_another_cell_magic_stops_the_run_too(kernel, cell, right):
    message = kernel.start(f"%%time\n{cell(right, delay=60)}")
    kernel.until_it("plan")
    kernel.manager.interrupt_kernel()
    reply = kernel.finish(message)

    assert reply.seconds < AT_ONCE
    assert "interrupted" in kernel.run("print(twice.termination.reason)").text


def test_background_returns_at_once_and_binds_when_done(kernel, cell, right):
    assert kernel.run(cell(right, options="-b", delay=3.0)).ok
    assert kernel.run("print(twice.termination)").text == "None\n"
    assert kernel.run("print(twice.wait().reason)").text == "verified\n"
    time.sleep(0.5)
    assert kernel.run("double(5)").results() == ["10"]


def test_a_fault_in_the_background_is_told_below_the_cell(kernel, cell, right):
    body = "import nothing_like_this\ndef double(n): 'Twice.'\nassert double(2) == 4"
    message = kernel.start(cell(right, options="-b", body=body))
    heard = kernel.wait_for("stream", message)
    assert heard["content"]["text"].startswith("SetupError: line 2: ModuleNotFoundError")


def test_insert_puts_the_code_into_the_next_cell(kernel, cell, right):
    (payload,) = kernel.run(cell(right, options="--insert")).content["payload"]
    assert payload["source"] == "set_next_input"
    assert payload["replace"] is False
    assert payload["text"].startswith("def double(n: int)")


def test_a_mistake_fails_the_cell_with_one_line_and_no_run(kernel, cell, right):
    reply = kernel.run(cell(right, options="--iteration 3"))
    assert reply.error == "UsageError: %%loop: unknown option --iteration; did you mean --iterations?"
    assert reply.text.count("\n") <= 1
    assert kernel.run("%loop_sql --to rows SELECT * FROM runs").results() == ["[]"]


def test_set_up_that_raises_fails_the_cell_before_anything_is_spent(kernel, cell, right):
    body = "import nothing_like_this\ndef double(n): 'Twice.'\nassert double(2) == 4"
    reply = kernel.run(cell(right, body=body))
    assert not reply.ok
    assert "nothing_like_this" in reply.error
    assert [one["msg_type"] for one in reply.outputs][-2:] == ["clear_output", "error"]  # no picture of nothing
    assert kernel.run("%loop_sql --to rows SELECT * FROM calls").results() == ["[]"]


def test_the_value_of_a_cell_that_names_a_run_is_its_picture(kernel, cell, right):
    kernel.run(cell(right))
    reply = kernel.run("twice")
    assert reply.values(SAVED)[-1]["termination"]["reason"] == "verified"
    assert reply.results() == []


def test_names_of_the_notebook_reach_set_up_and_checks(kernel, cell, right):
    kernel.run("factor = 2\ndef expected(n):\n    return n * factor")
    body = "def double(n):\n    'Twice.'\nassert double(4) == expected(4)"
    assert kernel.run(cell(right, body=body)).ok


def test_a_background_run_is_shown_as_it_stands_by_the_cells_that_follow(kernel, cell, right):
    """nbclient takes an update of an output only from the cell that it runs."""
    assert kernel.run(cell(right, options="-b", delay=1.0)).ok
    reply = kernel.run("import time; _ = twice.wait(); time.sleep(0.5)")

    assert reply.values(SAVED)[-1]["termination"]["reason"] == "verified"
    assert not kernel.run("1").values(SAVED), "the end is shown once"
