"""The live view in a real kernel, over the protocol."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from itertools import pairwise

import pytest
from jupyter_client.manager import start_new_kernel

from jupyter_loops.notebook.run_channel import TARGET
from jupyter_loops.view.saved_output import MIME

WIDGET = "application/vnd.jupyter.widget-view+json"

PREPARE = """
import asyncio, threading, time
from datetime import UTC, datetime
from jupyter_loops.core.events import CallStarted, IterationFinished, NoteAdded, Record, RunEnded, RunStarted
from jupyter_loops.core.events import StateChanged
from jupyter_loops.view.live_view import LiveView

class Controls:
    def __init__(self): self.seen, self.over = [], threading.Event()
    def stop(self): self.seen.append(("stop", threading.current_thread().name)); self.over.set()
    def pause(self): self.seen.append(("pause",))
    def resume(self): self.seen.append(("resume",))
    def step(self): raise ValueError("nothing to step")
    def hint(self, text): self.seen.append(("hint", text))
    def raise_budget(self, **limits): self.seen.append(("budget", limits))

def run(view, controls, rounds=3, pause=0.05, name="demo", until_stopped=False):
    at = iter(range(1, 10**9))
    def tell(event):
        view.heard(Record(run="run-" + name, seq=next(at), at=datetime.now(UTC), event=event))
    tell(RunStarted(loop=name, goal="g", source="", fingerprint="", model="m", isolation="process",
        budget={"usd": 1.0, "tokens": None, "seconds": 60.0, "iterations": 9},
        price=None, options={}, targets=[], checks=[]))
    n = 0
    while (n < rounds or until_stopped) and not controls.over.is_set():
        n += 1
        tell(StateChanged(iteration=n, source="decide", to="plan"))
        for piece in ("one ", "two "):
            view.text("run-" + name, piece)
        view.spent("run-" + name, {"usd": 0.01 * n, "tokens": 10 * n}, {"usd": 0.0})
        controls.over.wait(pause)
        tell(IterationFinished(iteration=n, passed=0, total=1, progress=0.0, score=None, best=n == 1, why=f"try {n}",
            phases=[["plan", pause]], usage={"usd": 0.01}))
    reason = "stopped" if controls.over.is_set() else "iterations"
    tell(RunEnded(reason=reason, message="over", usage={"usd": 0.01 * n}, iterations=n, best=1))

def background(**options):
    controls = Controls()
    view = LiveView(controls)
    view.open()
    threading.Thread(target=run, args=(view, controls), kwargs=options, daemon=True).start()

async def cell(**options):
    controls = Controls()
    view = LiveView(controls)
    view.open()
    thread = threading.Thread(target=run, args=(view, controls), kwargs=options, daemon=True)
    thread.start()
    while thread.is_alive():
        await asyncio.sleep(0.01)
    view.close()
    return controls
"""


class Session:
    """Runs cells and keeps what the kernel publishes."""

    def __init__(self):
        self.manager, self.client = start_new_kernel(kernel_name="python3")
        self.heard = []

    def start(self, code):
        return self.client.execute(code)

    def until(self, wanted, seconds=20):
        """The first message, old or new, that is `wanted`."""
        found = next((message for message in self.heard if wanted(message)), None)
        end = time.monotonic() + seconds
        while found is None and time.monotonic() < end:
            message = self.client.get_iopub_msg(timeout=max(end - time.monotonic(), 0.1))
            message["arrived"] = time.monotonic()
            self.heard.append(message)
            found = message if wanted(message) else None
        assert found is not None
        return found

    def run(self, code):
        """The messages of a cell, which has to succeed."""
        cell = self.start(code)
        self.until(lambda it: of(it, cell) and it["content"].get("execution_state") == "idle")
        assert not [it["content"] for it in self.heard if of(it, cell) and it["msg_type"] == "error"]
        return [message for message in self.heard if of(message, cell)]

    def ask(self, comm, message, subshell=None):
        content = {"comm_id": comm, "data": {"method": "custom", "content": message}}
        sent = self.client.session.msg("comm_msg", content)
        if subshell:
            sent["header"]["subshell_id"] = subshell
        self.client.shell_channel.send(sent)

    def follow(self, run):
        """Open a comm for a run, as a page does."""
        comm = uuid.uuid4().hex
        content = {"comm_id": comm, "target_name": TARGET, "data": {"run": run}}
        self.client.shell_channel.send(self.client.session.msg("comm_open", content))
        return comm

    def tell(self, comm, message):
        self.client.shell_channel.send(self.client.session.msg("comm_msg", {"comm_id": comm, "data": message}))

    def subshell(self):
        request = self.client.session.msg("create_subshell_request", {})
        self.client.control_channel.send(request)
        return self.client.get_control_msg(timeout=10)["content"]["subshell_id"]

    def updates(self):
        return [
            it for it in self.heard if it["msg_type"] == "comm_msg" and it["content"]["data"].get("method") == "update"
        ]


def of(message, cell):
    return message["parent_header"].get("msg_id") == cell


def is_head(message):
    return message["msg_type"] == "comm_msg" and "head" in message["content"]["data"].get("state", {})


def sent(message, comm):
    """The data of a message of one comm."""
    mine = message["msg_type"] == "comm_msg" and message["content"]["comm_id"] == comm
    return message["content"]["data"] if mine else {}


def answers(number):
    return lambda it: it["msg_type"] == "comm_msg" and it["content"]["data"].get("content", {}).get("id") == number


@pytest.fixture(scope="module")
def kernel(script, tmp_path_factory):
    session = Session()
    session.run(
        f"import os; os.environ['JUPYTER_LOOPS_HISTORY'] = {str(tmp_path_factory.mktemp('run') / 'h.duckdb')!r}"
    )
    session.run("%load_ext jupyter_loops")
    session.run(PREPARE)
    yield session
    session.client.stop_channels()
    session.manager.shutdown_kernel(now=True)


@pytest.fixture
def fresh(kernel):
    kernel.heard.clear()
    return kernel


def test_the_view_opens_live_and_ends_static_in_its_own_cell(fresh):
    cell = fresh.start("_ = await cell(until_stopped=True)")
    fresh.ask(fresh.until(is_head)["content"]["comm_id"], {"id": 1, "do": "stop"})
    fresh.until(lambda it: of(it, cell) and it["content"].get("execution_state") == "idle")
    messages = [message for message in fresh.heard if of(message, cell)]
    shown = next(it for it in messages if it["msg_type"] == "display_data")
    final = [it for it in messages if it["msg_type"] == "update_display_data"][-1]

    assert {MIME, WIDGET, "text/html", "text/plain"} == set(shown["content"]["data"])
    assert {MIME, "text/html", "text/plain"} == set(final["content"]["data"])
    assert final["content"]["transient"] == shown["content"]["transient"]
    assert final["content"]["data"][MIME]["termination"]["reason"] == "stopped"
    assert any(it["msg_type"] == "comm_close" for it in fresh.heard)


def test_a_widget_that_no_page_has_drawn_stays_for_a_page_that_opens_later(fresh):
    fresh.run("_ = await cell()")

    assert not any(it["msg_type"] == "comm_close" for it in fresh.heard)


def test_a_page_follows_a_run_over_a_comm_of_its_own_and_gets_what_the_notebook_keeps(fresh):
    cell = fresh.start("controls = await cell(until_stopped=True)")
    fresh.until(is_head)
    first, second = fresh.follow("run-demo"), fresh.follow("run-demo")
    for page in (first, second):
        state = fresh.until(lambda it, page=page: sent(it, page).get("state"))["content"]["data"]["state"]
        assert state["head"]["name"] == "demo"
        assert state["rounds"]["since"] == 0
    fresh.tell(first, {"id": 5, "do": "pause"})
    answer = fresh.until(lambda it: sent(it, first).get("answer"))["content"]["data"]["answer"]
    assert answer == {"id": 5, "ok": True, "note": "pauses when the model has answered"}
    fresh.tell(second, {"id": 6, "do": "stop"})
    for page in (first, second):
        final = fresh.until(lambda it, page=page: sent(it, page).get("final"))["content"]["data"]["final"]
        assert final[MIME]["termination"]["reason"] == "stopped"
        assert set(final) == {MIME, "text/html", "text/plain"}
    fresh.until(lambda it: of(it, cell) and it["content"].get("execution_state") == "idle")


def test_a_page_that_asks_for_a_run_that_is_not_there_hears_so(fresh):
    page = fresh.follow("20261129T000000-nothing")

    assert "no run" in fresh.until(lambda it: sent(it, page).get("unknown"))["content"]["data"]["unknown"]


def test_another_cell_that_runs_meanwhile_does_not_get_the_picture(fresh):
    fresh.run("background(rounds=6, pause=0.1)")
    other = fresh.start("import time; time.sleep(1.2); print('mine')")
    fresh.until(lambda it: of(it, other) and it["content"].get("execution_state") == "idle")
    final = fresh.until(lambda it: it["msg_type"] == "update_display_data" and MIME in it["content"]["data"])

    assert not of(final, other)
    assert next(it for it in fresh.heard if it["msg_type"] == "stream")["parent_header"]["msg_id"] == other


def test_stop_is_heard_while_the_cell_awaits(fresh):
    cell = fresh.start("controls = await cell(until_stopped=True)")
    comm = fresh.until(is_head)["content"]["comm_id"]
    asked = time.monotonic()
    fresh.ask(comm, {"id": 7, "do": "stop", "value": None})
    assert fresh.until(answers(7))["content"]["data"]["content"] == {
        "id": 7,
        "ok": True,
        "note": "stops; the best candidate stays",
    }
    final = fresh.until(lambda it: it["msg_type"] == "update_display_data" and MIME in it["content"]["data"])
    fresh.until(lambda it: of(it, cell) and it["content"].get("execution_state") == "idle")

    assert final["content"]["data"][MIME]["termination"]["reason"] == "stopped"
    assert final["arrived"] - asked < 0.6


def test_a_click_is_heard_on_a_subshell_while_an_unrelated_cell_blocks(fresh):
    subshell = fresh.subshell()
    fresh.run("background(until_stopped=True)")
    comm = fresh.until(is_head)["content"]["comm_id"]
    fresh.start("import time; time.sleep(3)")
    time.sleep(0.3)
    asked = time.monotonic()
    fresh.ask(comm, {"id": 8, "do": "stop", "value": None}, subshell)

    assert fresh.until(answers(8))["arrived"] - asked < 1.5
    fresh.until(lambda it: it["msg_type"] == "comm_close")  # the end of this view is not the next test's beginning


def test_every_wish_reaches_the_controls_and_nonsense_comes_back_as_an_error(fresh):
    fresh.start("controls = await cell(until_stopped=True)")
    comm = fresh.until(is_head)["content"]["comm_id"]
    wishes = [
        ({"do": "pause"}, "ok"),
        ({"do": "hint", "value": " use re "}, "ok"),
        ({"do": "raise_budget", "value": {"usd": 2}}, "ok"),
        ({"do": "step"}, "nothing to step"),
        ({"do": "hint", "value": "  "}, "a hint needs words"),
        ({"do": "raise_budget", "value": {"usd": -1}}, "a limit is a positive number"),
        ({"do": "raise_budget", "value": {"__class__": 1}}, "a budget names some of"),
        ({"do": "__init__"}, "unknown request: __init__"),
        ({"do": ["stop"]}, "unknown request"),
    ]
    for number, (wish, expected) in enumerate(wishes, start=20):
        fresh.ask(comm, {"id": number, **wish})
        answer = fresh.until(answers(number))["content"]["data"]["content"]
        assert expected in answer or expected in answer.get("error", "")
    fresh.ask(comm, "nonsense")
    fresh.ask(comm, {"id": 40, "do": "stop"})
    fresh.until(lambda it: it["msg_type"] == "comm_close")
    seen = fresh.run("print(controls.seen)")

    printed = next(it for it in seen if it["msg_type"] == "stream")["content"]["text"]
    assert "('pause',), ('hint', 'use re'), ('budget', {'usd': 2.0}), ('stop'" in printed


def test_a_fast_run_sends_at_most_ten_updates_a_second_and_only_what_changed(fresh):
    fresh.run("_ = await cell(rounds=300, pause=0.005)")
    updates = fresh.updates()
    spans = [update["arrived"] for update in updates]
    rounds = [
        update["content"]["data"]["state"]["rounds"]
        for update in updates
        if "rounds" in update["content"]["data"]["state"]
    ]

    assert len(updates) <= (spans[-1] - spans[0]) * 10 + 2
    assert len(updates) >= 8
    assert all(before["rev"] == after["since"] for before, after in pairwise(rounds))
    assert all(len(update["rows"]) < 60 for update in rounds)


def test_a_page_that_reloads_gets_all_rounds(fresh):
    fresh.start("controls = await cell(until_stopped=True)")
    comm = fresh.until(is_head)["content"]["comm_id"]
    fresh.until(lambda it: is_head(it) and it["content"]["data"]["state"]["head"]["round"] >= 5)
    fresh.heard.clear()
    fresh.client.shell_channel.send(
        fresh.client.session.msg("comm_msg", {"comm_id": comm, "data": {"method": "request_state"}})
    )
    state = fresh.until(lambda it: it["msg_type"] == "comm_msg" and "_esm" in it["content"]["data"].get("state", {}))
    rounds = state["content"]["data"]["state"]["rounds"]
    fresh.ask(comm, {"id": 0, "do": "refresh"})
    again = fresh.until(
        lambda it: (
            it["msg_type"] == "comm_msg"
            and it["content"]["data"].get("state", {}).get("rounds", {}).get("since") == 0
            and "_esm" not in it["content"]["data"]["state"]
        )
    )
    fresh.ask(comm, {"id": 9, "do": "stop"})
    fresh.until(lambda it: is_head(it) and it["content"]["data"]["state"]["head"]["termination"])
    fresh.run("pass")

    assert not any(it["msg_type"] == "comm_close" for it in fresh.heard)  # the page that reloaded shows the end
    assert rounds["since"] == 0
    assert [row["n"] for row in rounds["rows"]][:5] == [1, 2, 3, 4, 5]
    assert len(again["content"]["data"]["state"]["rounds"]["rows"]) >= 5


def test_the_saved_picture_beside_a_live_view_is_renewed(fresh):
    fresh.run("from jupyter_loops.view import live_view; live_view._RELOAD = 0.3")
    messages = fresh.run("_ = await cell(rounds=12, pause=0.1)")
    fresh.run("live_view._RELOAD = 30.0")
    renewed = [it["content"]["data"] for it in messages if it["msg_type"] == "update_display_data"][:-1]

    assert 2 <= len(renewed) <= 5
    assert all(set(data) == {MIME, WIDGET, "text/html", "text/plain"} for data in renewed)
    assert "try 3" in renewed[-1]["text/html"]


def test_without_anywidget_there_is_html_and_the_same_end(fresh):
    fresh.run("import sys; kept = sys.modules.pop('jupyter_loops.view.widget'); sys.modules['anywidget'] = None")
    messages = fresh.run("_ = await cell()")
    fresh.run("del sys.modules['anywidget']; sys.modules['jupyter_loops.view.widget'] = kept")
    shown = next(it for it in messages if it["msg_type"] == "display_data")
    final = [it for it in messages if it["msg_type"] == "update_display_data"][-1]

    assert {MIME, "text/html", "text/plain"} == set(shown["content"]["data"])
    assert MIME in final["content"]["data"]


def test_a_terminal_gets_the_summary_once(tmp_path):
    code = PREPARE + "\n_ = asyncio.run(cell())"
    done = subprocess.run(
        [sys.executable, "-m", "IPython", "--colors=NoColor", "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "IPYTHONDIR": str(tmp_path)},
    )

    assert done.stdout.count("demo: iterations · 3 of 9 rounds") == 1
    assert "try 3" in done.stdout


def test_the_script_is_small(script):
    code, style = script

    assert len(code.encode()) <= 60_000
    assert len(code.encode()) + len(style.encode()) <= 60_000


def test_hearing_returns_at_once_and_closing_twice_is_fine(slug):
    from jupyter_loops.view.live_view import LiveView

    view = LiveView()
    view.open()  # outside of IPython: nothing is shown
    begun = time.perf_counter()
    for record in slug.records:
        view.heard(record)
    heard = (time.perf_counter() - begun) / len(slug.records)
    view.close()
    view.close()

    assert heard < 0.0005
    assert view.snapshot.to_json()["round"] == 5
