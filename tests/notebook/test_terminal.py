"""IPython in a terminal: no event loop to await on, no widgets."""

import contextlib
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def ipython(tmp_path):
    def start(text, stdout=subprocess.PIPE):
        paths = {"IPYTHONDIR": tmp_path / "ipython", "JUPYTER_LOOPS_HISTORY": tmp_path / "history.duckdb"}
        env = os.environ | {name: str(path) for name, path in paths.items()} | {"PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "IPython", "--colors=nocolor", "--ext=jupyter_loops", "-c", text]
        return subprocess.Popen(command, stdout=stdout, stderr=subprocess.STDOUT, text=True, env=env)

    return start


@pytest.fixture
def ipython_on_a_screen(ipython, monkeypatch):
    """What IPython writes when its standard output is a terminal of 100 columns."""
    screen, end = pty.openpty()
    monkeypatch.setenv("COLUMNS", "100")

    def run(text):
        process = ipython(text, stdout=end)
        os.close(end)
        shown = b""
        with contextlib.suppress(OSError):  # the other end is closed
            while piece := os.read(screen, 4096):
                shown += piece
        process.wait(timeout=60)
        return shown.decode()

    yield run
    os.close(screen)


def test_a_loop_runs_and_prints_its_end(ipython, cell, wrong, right):
    shown, _ = ipython(cell(wrong, right)).communicate(timeout=60)
    assert "twice: verified · 2 of 10 rounds" in shown
    assert "preparing" not in shown


def test_ctrl_c_is_a_graceful_stop(ipython, cell, right, tmp_path):
    process = ipython(cell(right, delay=60))
    journal = tmp_path / "history.duckdb.journal"
    end = time.monotonic() + 30
    while not any(journal.glob("*.journal")) and time.monotonic() < end:
        time.sleep(0.1)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    shown, _ = process.communicate(timeout=20)
    assert "NotVerified: twice is not verified: interrupted" in shown
    assert process.returncode != 0


def test_a_run_that_is_not_verified_fails_the_script(ipython, cell, wrong):
    process = ipython(cell(wrong, options="-n 1"))
    shown, _ = process.communicate(timeout=60)
    assert "NotVerified: twice is not verified: iterations" in shown
    assert process.returncode == 1


def test_a_terminal_shows_one_line_that_is_drawn_over_itself(ipython_on_a_screen, cell, wrong, right):
    shown = ipython_on_a_screen(cell(wrong, right, delay=0.4))
    drawn, _, summary = shown.rpartition("\r\x1b[2K")
    lines = drawn.split("\r\x1b[2K")[1:]
    assert any("twice: planning · round 1 of 10" in line for line in lines)
    assert any("round 2 of 10" in line for line in lines)
    assert not any("\n" in line for line in lines)
    assert "twice: verified · 2 of 10 rounds" in summary
