"""A run's result comes back: nine moments of a run, with close, reload, restart and kill, saved and not saved."""

import json
import os
import re
import signal

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

LOAD = "%load_ext jupyter_loops\nimport os, time"
WRONG = "```python\ndef double(n: int) -> int:\n    return n\n```"
RIGHT = "```python\ndef double(n: int) -> int:\n    return n * 2\n```"
SPIN = "```python\ndef double(n: int) -> int:\n    while True:\n        pass\n```"
BODY = '''def double(n: int) -> int:
    """Twice n."""

assert double(2) == 4'''
# name → answers, seconds of each, options, the cell's body, what is done meanwhile, the state that the view names
MOMENTS = {
    "preparing": ([RIGHT], 0, "--setup-timeout 900", f"import time\ntime.sleep(800)\n{BODY}", "", "starting"),
    "answering": ([RIGHT], 800, "--call-timeout 900", BODY, "", "planning"),
    "spinning": ([SPIN], 0, "--timeout 900", BODY, "", "executing|verifying|waiting"),
    "tool": ([{"tool": "slow"}], 0, "--tool-timeout 900", f"@tool\ndef slow() -> str:\n    time.sleep(800)\n{BODY}", "",
             "tool slow"),
    "paused": ([WRONG], 8, "", BODY, "%loops pause paused", "paused"),
    "approving": ([RIGHT], 0, "", f"{BODY}\nassert approve(double(3))", "", "waiting for approval"),
    "backing": ([{"error": "rate_limited", "message": "slow down"}] * 50, 0, "", BODY, "", "waiting|planning"),
    "verified": ([RIGHT], 0, "", BODY, "", "verified"),
    "ended": ([WRONG] * 2, 0, "-n 2", BODY, "", "iterations"),
}  # fmt: skip
OVER = {"verified": "verified", "ended": "iterations", "backing": "waiting|planning|error|kernel gone"}
NAMES = list(MOMENTS)
PID = "import os; print('pid', os.getpid())"


def cells(folder):
    """A cell for each moment, then one that steers, and one that shows the kernel's process."""
    written = [LOAD]
    for name, (answers, delay, options, body, _, _) in MOMENTS.items():
        (folder / f"{name}.json").write_text(json.dumps({"answers": answers, "delay": delay}))
        written.append(
            f"%%loop {name} --model script:{name}.json -b --fresh --time 1h --watchdog none {options}\n{body}"
        )
    return [*written, "\n".join(filter(None, (moment[4] for moment in MOMENTS.values()))), PID]


def state(book, name):
    return book.view(1 + NAMES.index(name)).locator(".jloops-state")


def everything_is_at_its_moment(book):
    for name, (*_, shown) in MOMENTS.items():
        expect(state(book, name)).to_have_text(re.compile(shown), timeout=60_000)


def nothing_is_lost(book, *, gone=False):
    """Each cell shows its run; one that had ended shows how, the others go on or say that their kernel is gone."""
    for name in NAMES:
        words = re.compile(OVER.get(name, "kernel gone" if gone else MOMENTS[name][-1]))
        expect(state(book, name)).to_have_text(words, timeout=30_000)
        view = book.view(1 + NAMES.index(name))
        if name not in OVER:
            stop = view.get_by_role("button", name="Stop", exact=True)
            expect(stop).to_have_count(0 if gone else 1)
            expect(view.locator(".jloops-line-below button")).to_be_visible(visible=gone)
            if gone:
                expect(view).to_contain_text("last state at")
    everything = book.page.locator(".jp-Notebook").inner_text()
    assert "Error displaying widget" not in everything
    assert "round 0" not in everything


@pytest.mark.parametrize("saved", [True, False], ids=["saved", "unsaved"])
@pytest.mark.parametrize("action", ["close", "reload", "restart", "kill"])
def test_the_result_comes_back(notebook, folder, action, saved):
    name = f"{action}-{'saved' if saved else 'unsaved'}"
    book = notebook(name, *cells(folder))
    problems = []
    book.page.on("pageerror", lambda error: problems.append(str(error)))
    book.page.on("dialog", lambda dialog: dialog.accept())
    book.command("notebook:run-all-cells")
    everything_is_at_its_moment(book)
    expect(book.cell(11)).to_contain_text(re.compile(r"pid \d+"), timeout=30_000)
    pid = int(re.search(r"pid (\d+)", book.cell(11).locator(".jp-OutputArea-output").inner_text())[1])
    if saved:
        book.command("docmanager:save")
        book.page.wait_for_timeout(500)
    if action == "restart":
        book.page.evaluate("() => { window.jupyterapp.shell.currentWidget.sessionContext.restartKernel(); }")
    elif action == "kill":
        os.kill(pid, signal.SIGKILL)
    if action in {"restart", "kill"}:
        nothing_is_lost(book, gone=True)
        if not saved:  # what the page had is in its notebook, and so in the next file
            book.command("docmanager:save")
            book.page.wait_for_timeout(500)
    book.page.reload() if action != "close" else book.page.goto("about:blank")
    later = notebook(name, path=book.path)
    nothing_is_lost(later, gone=action in {"restart", "kill"})
    if not saved and action in {"close", "reload"}:
        later.command("docmanager:save")
    assert problems == []
    later.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
