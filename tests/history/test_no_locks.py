"""A folder whose file system locks nothing, as some network shares: the real calls, really refused (no_locks.c)."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not shutil.which("cc"), reason="a C compiler makes the library that refuses locks"
)
WRITE = """
import sys
from datetime import UTC, datetime
from jupyter_loops.core.events import NoteAdded, Record
from jupyter_loops.history import History
history = History(sys.argv[1])
history.append(Record("r", 1, datetime.now(UTC), NoteAdded(iteration=1, message="m")))
print(len(history.sql("FROM events")), history.path, *history.notices, sep="\\n")
history.close()
"""


@pytest.fixture
def write(tmp_path):
    """Writes and asks in a process that gets no locks below a folder; gives what it says."""
    library = tmp_path / "no_locks.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, Path(__file__).with_name("no_locks.c")], check=True)
    share = tmp_path / "share"
    share.mkdir()

    def write(path):
        env = os.environ | {
            "LD_PRELOAD": str(library),
            "NO_LOCKS": str(share),
            "XDG_STATE_HOME": str(tmp_path / "state"),
        }
        command = [sys.executable, "-c", WRITE, path]
        done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return write, share


def test_a_folder_that_locks_nothing_has_a_place_instead(write, tmp_path):
    write, share = write
    (events, path, notice, *_) = write(share / "h.duckdb")

    assert events == "1"
    assert Path(path).is_relative_to(tmp_path / "state")
    assert notice.startswith(f"no history can be kept in {share}: No locks available. What happens now is kept in ")
    assert "choose another file with --history" in notice
    assert not (share / "h.duckdb").exists()
    (again, found, *_) = write(share / "h.duckdb")
    assert (again, found) == ("1", path)  # the place is found again, and the same event counts once


def test_elsewhere_nothing_changes(write, tmp_path):
    write, _ = write
    (events, path, *notices) = write(tmp_path / "h.duckdb")

    assert (events, path, notices) == ("1", str(tmp_path / "h.duckdb"), [])
