"""Does to a history under a living kernel what a person does, and prints what is said and when: JSON.

python do_to_a_history.py FOLDER DEED
"""

import contextlib
import json
import os
import resource
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import platformdirs  # noqa: F401 - loaded while it can be
import psutil  # noqa: F401
import pydantic_core  # noqa: F401

from jupyter_loops.core.events import NoteAdded, Record, RunStarted
from jupyter_loops.errors import HistoryError
from jupyter_loops.history import History, heads, repair, signing, spares  # noqa: F401

HOME, DEED = Path(sys.argv[1]), sys.argv[2]
PATH = HOME / "project" / "h.duckdb"
JOURNAL = PATH.with_name("h.duckdb.journal")
AWAY = HOME / "away.duckdb"
HOLD = """
import duckdb, sys
path, mode = (sys.stdin.readline().strip() for _ in range(2))
if not path:
    sys.exit()
connection = duckdb.connect(path, read_only=mode == "r")
print("held", flush=True)
sys.stdin.readline()
"""
OTHER = subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def hold(mode):
    OTHER.stdin.write(f"{PATH}\n{mode}\n")
    OTHER.stdin.flush()
    assert OTHER.stdout.readline() == "held\n"


def let_go():
    OTHER.stdin.write("\n")
    OTHER.stdin.close()
    OTHER.wait()


def put(make):
    PATH.rename(AWAY)
    make()


def put_back():
    with contextlib.suppress(OSError):
        PATH.rmdir()
    if AWAY.exists():
        PATH.unlink(missing_ok=True)
        AWAY.rename(PATH)


def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


# What is done, and what takes it back.
DEEDS = {
    "delete the file": (PATH.unlink, lambda: None),
    "delete the journal": (lambda: shutil.rmtree(JOURNAL), lambda: None),
    "delete the folder": (lambda: shutil.rmtree(PATH.parent), lambda: None),
    "rename the project": (lambda: PATH.parent.rename(HOME / "renamed"), lambda: None),
    "make the file read-only": (lambda: PATH.chmod(0o444), lambda: PATH.chmod(0o600)),
    "make the file unreadable": (lambda: PATH.chmod(0), lambda: PATH.chmod(0o600)),
    "make the folder read-only": (lambda: PATH.parent.chmod(0o555), lambda: PATH.parent.chmod(0o700)),
    "make the journal's folder read-only": (lambda: JOURNAL.chmod(0o555), lambda: JOURNAL.chmod(0o700)),
    "open it for reading elsewhere": (lambda: hold("r"), let_go),
    "open it for writing elsewhere": (lambda: hold("w"), let_go),
    "put a link to it in its place": (lambda: put(lambda: PATH.symlink_to(AWAY)), put_back),
    "put a link to nothing in its place": (lambda: put(lambda: PATH.symlink_to(HOME / "none" / "x")), put_back),
    "put a folder in its place": (lambda: put(PATH.mkdir), put_back),
    "put another file in its place": (lambda: put(lambda: PATH.write_text("hello\n" * 5000)), put_back),
    "put an empty file in its place": (lambda: put(PATH.touch), put_back),
    "put another database in its place": (
        lambda: put(lambda: duckdb.connect(str(PATH)).execute("CREATE TABLE mine (x INTEGER)").close()), put_back,
    ),
    "fill the disk": (lambda: limit(4096), lambda: limit(resource.RLIM_INFINITY)),
}  # fmt: skip


def said(history, call):
    """What it raised, and what was noticed, as lines."""
    known, lines = len(history.notices), []
    try:
        call()
    except HistoryError as error:
        lines.append(f"raised: {error}")
    return [*lines, *history.notices[known:], *([f"note: {history.note}"] if history.note else [])]


def main():
    if os.getuid() == 0 and DEED.startswith("make"):  # to root every file is open
        os.setgroups([])
        os.setgid(1234)
        os.setuid(1234)
    PATH.parent.mkdir(mode=0o700)
    history, count = History(PATH), 0

    def go_on():
        nonlocal count
        for _ in range(10):
            event = NoteAdded(iteration=1, message="x" * 2000) if count else RunStarted(**STARTED)
            history.append(Record("run", count + 1, datetime.now(UTC), event))
            count += 1

    go_on()
    history.flush()
    do, undo = DEEDS[DEED]
    do()
    told = {
        "at the next event": said(history, go_on),
        "at the next question": said(history, lambda: history.sql("SELECT count(*) FROM runs")),
    }
    undo()
    go_on()
    history.flush()
    told["whole"] = [seq for (seq,) in history.sql("SELECT seq FROM events ORDER BY seq")] == [*range(1, count + 1)]
    told["proved"] = [str(finding) for finding in history.verify()]
    history.close()
    if OTHER.poll() is None:
        OTHER.stdin.close()
        OTHER.wait()
    print(json.dumps(told))  # noqa: T201


STARTED = {
    "loop": "l", "goal": "", "source": "", "fingerprint": "f", "model": "m", "isolation": "process", "budget": {},
    "price": {}, "options": {}, "targets": [], "checks": [], "kernel": f"{os.getpid()}@here", "version": "0",
}  # fmt: skip
main()
