"""A kill at every step of what makes a file anew leaves one history that opens, and nothing beside it for long."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jupyter_loops.history import History, leftovers


def a_log_that_a_killed_program_left(path):
    code = (
        "import duckdb, os, sys; c = duckdb.connect(sys.argv[1]);"
        "c.execute(\"INSERT INTO lost VALUES ('x', now()::TIMESTAMP)\"); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, path], check=False)
    assert path.with_name(f"{path.name}.wal").stat().st_size


@pytest.mark.parametrize("what", ["create", "compact", "prune", "upgrade", "repair"])
def test_a_kill_at_any_step_leaves_one_history_that_opens(path, a_run, what):
    history = History(path)
    for record in a_run():
        history.append(record)
    history.close()
    command = [sys.executable, Path(__file__).with_name("kill_at_each_step.py"), path, what]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    events = len(a_run())
    whole = f"1 {events} 1 0"
    before = {"create": "0 0 0 0"}.get(what, whole)
    after = {"create": "0 0 0 0", "prune": "0 0 1 0", "upgrade": f"1 {events} 1 1"}.get(what, whole)
    assert len(lines) > 5
    assert set(lines) == {before, after}
    assert lines[0] == before
    assert lines[-1] == after


def test_what_killed_kernels_left_is_collected_by_the_next(path, monkeypatch):
    History(path).flush()
    journals = path.with_name("history.duckdb.journal")
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    left = journals / f"new-{int(gone.stdout)}-0a1b.duckdb"
    mine = journals / leftovers.name()
    for file in (left, mine):
        file.touch()
        os.utime(file, (time.time() - 60,) * 2)
    (journals / "20261122T000000-dead.claim").touch()
    living = History(path).claim("20261122T000000-live")

    leftovers.collect(journals)

    assert not left.exists()
    assert mine.exists()  # its process lives
    assert [claim.name for claim in journals.glob("*.claim")] == ["20261122T000000-live.claim"]
    living.close()


def test_a_log_without_its_file_does_not_stand_in_the_way_of_a_new_one(path, a_run):
    history = History(path)
    for record in a_run():
        history.append(record)
    history.close()
    a_log_that_a_killed_program_left(path)
    path.unlink()

    again = History(path)
    again.append(a_run("new")[0])
    assert [run for (run,) in again.sql("SELECT run_id FROM runs")] == ["new"]
    assert path.with_name("history.duckdb.wal.left-over").exists()
    again.close()
