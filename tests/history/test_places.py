"""Any umask, any home, any kind of path: private from the first byte, or one line with the way out."""

import contextlib
import os
import shutil
import stat
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jupyter_loops.core.events import NoteAdded, Record
from jupyter_loops.errors import HistoryError
from jupyter_loops.history import History, spares


def note(n, run="r"):
    return Record(run, n, datetime.now(UTC), NoteAdded(iteration=1, message="m"))


def modes(folder):
    return {path: stat.S_IMODE(path.lstat().st_mode) for path in folder.rglob("*")}


@pytest.fixture(params=[0o002, 0o000, 0o077])
def umask(request):
    old = os.umask(request.param)
    yield request.param
    os.umask(old)


def test_files_and_logs_of_ours_are_private_while_they_are_made(umask, tmp_path):
    """Looks all the time, while a history is made, written, and compacted."""
    seen, over = {}, threading.Event()

    def look():
        while not over.is_set():
            for path in list(tmp_path.rglob("*")):
                with contextlib.suppress(FileNotFoundError):
                    seen[path.name] = seen.get(path.name, 0) | stat.S_IMODE(path.lstat().st_mode)

    watching = threading.Thread(target=look)
    watching.start()
    history = History(tmp_path / "a" / "history.duckdb")
    for n in range(1, 30):
        history.append(note(n))
        history.flush()
    live = history._opened()
    live.store.compact()
    with live.store.writing(live.journal):
        assert (tmp_path / "a" / "history.duckdb.wal").stat().st_mode & 0o077 == 0
    history.close()
    over.set()
    watching.join()

    beside = {name: mode for name, mode in seen.items() if not name.startswith("new-")}  # in a folder of the owner's
    assert {name: oct(mode) for name, mode in beside.items() if mode & 0o077} == {}
    assert not (tmp_path / "a" / "history.duckdb.wal").exists()


def test_the_spare_places_are_private_under_any_umask(umask, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = spares.folders(tmp_path / "h.duckdb")[0]

    assert spares.make(folder)
    assert set(modes(tmp_path / "state").values()) == {0o700}


def test_a_folder_of_journals_that_others_may_write_is_closed_to_them(tmp_path):
    (tmp_path / "h.duckdb.journal").mkdir()
    (tmp_path / "h.duckdb.journal").chmod(0o777)
    history = History(tmp_path / "h.duckdb")
    history.append(note(1))

    assert stat.S_IMODE((tmp_path / "h.duckdb.journal").stat().st_mode) == 0o700
    history.close()


@pytest.mark.skipif(os.getuid() != 0, reason="needs another user")
def test_a_folder_of_another_users_is_not_written_to():
    shared = Path("/tmp") / f"jupyter-loops-test-{os.getpid()}"  # as everybody's folder is
    shared.mkdir()
    shared.chmod(0o1777)
    journals = shared / "h.duckdb.journal"
    journals.mkdir()
    journals.chmod(0o777)
    code = (
        "import os, sys; os.setgid(1234); os.setuid(1234); from jupyter_loops.history import History;"
        "from jupyter_loops.errors import HistoryError\n"
        f"try: print(History({str(shared / 'h.duckdb')!r}).journal.token)\n"
        "except HistoryError as error: print(error)"
    )
    try:
        # whoever may not read the project may not import it, so it is loaded before
        said = subprocess.run(
            [sys.executable, "-c", f"import duckdb, platformdirs, psutil, jupyter_loops.history.history; {code}"],
            capture_output=True, text=True, check=True, env={**os.environ, "XDG_STATE_HOME": str(shared / "state")},
        ).stdout  # fmt: skip
        assert list(journals.iterdir()) == []
        assert said.strip()
    finally:
        shutil.rmtree(shared)


def test_a_link_of_the_users_is_followed_and_stays_one(tmp_path):
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.duckdb"
    link.symlink_to(tmp_path / "real" / "h.duckdb")
    history = History(link)
    history.append(note(1))
    history.flush()
    history._opened().store.compact()

    assert link.is_symlink()
    assert history.path == tmp_path / "real" / "h.duckdb"
    assert len(History(tmp_path / "real" / "h.duckdb").records("r")) == 1
    history.close()


def test_what_is_no_place_for_a_history_is_one_line_with_the_way_out(tmp_path):
    folder = tmp_path / "folder.duckdb"
    folder.mkdir()
    with pytest.raises(HistoryError, match=r"is a folder, and a history is a file; choose another file with --history"):
        _ = History(folder).journal
    pipe = tmp_path / "pipe.duckdb"
    os.mkfifo(pipe)
    with pytest.raises(HistoryError, match=r"is a pipe, a socket or a device, and a history is a file; choose another"):
        History(pipe).sql("SELECT 1")
    circle = tmp_path / "circle.duckdb"
    circle.symlink_to(circle)
    with pytest.raises(HistoryError, match="leads nowhere"):
        History(circle)
    with pytest.raises(HistoryError, match="DuckDB opens no such file"):
        History(tmp_path / "really?.duckdb")
    with pytest.raises(HistoryError, match="not UTF-8"):
        History(os.fsdecode(os.fsencode(tmp_path) + b"/a\xff.duckdb"))


def test_a_home_that_takes_nothing_has_a_place_instead_on_first_use(tmp_path):
    ro = tmp_path / "ro"
    ro.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", ro], capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    code = "from jupyter_loops.history import open_history as o; h = o(); h.journal; print(h.path); print(h.notices[0])"
    surroundings = {name: value for name, value in os.environ.items() if name not in {"JUPYTER_LOOPS_HISTORY", "HOME"}}
    try:
        said = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True,
            env={**surroundings, "HOME": str(ro / "home"), "TMPDIR": str(tmp_path)},
        ).stdout.splitlines()  # fmt: skip
    finally:
        subprocess.run(["umount", "-l", ro], check=True)

    assert said[0].startswith(str(tmp_path / f"jupyter-loops-{os.getuid()}"))
    assert said[1].startswith("no history can be kept in ")
    assert "Read-only file system" in said[1]
