"""Kills a process after each step of what makes a file anew, and prints what the file holds then: a line a kill."""

import contextlib
import itertools
import os
import shutil
import sys
from datetime import timedelta
from pathlib import Path

import duckdb

from jupyter_loops.errors import HistoryError
from jupyter_loops.history import History, heads, lease, migrations, retention

PATH, WHAT = Path(sys.argv[1]), sys.argv[2]
LOG = PATH.with_name(f"{PATH.name}.wal")
JOURNALS = PATH.with_name(f"{PATH.name}.journal")
COUNTED = itertools.count(1)


def counted(step, call):
    def instead(*arguments, **named):
        done = call(*arguments, **named)
        if step == next(COUNTED):
            os.kill(os.getpid(), 9)
        return done

    return instead


def work(step):
    """Do it, to the end or to the kill."""
    history = History(PATH)
    live = history._opened() if WHAT in {"compact", "prune"} else None
    migrations.comments.statements = lambda *_, **__: iter(())
    Path.replace, Path.chmod, Path.unlink = (counted(step, one) for one in (Path.replace, Path.chmod, Path.unlink))
    os.link = counted(step, os.link)
    for module in () if WHAT == "repair" else (heads, lease, migrations, retention):  # it fills a file of its own
        module.run = counted(step, module.run)
    if WHAT == "compact":
        live.store.compact()
    elif WHAT == "prune":
        history.prune(timedelta(seconds=-5), keep_verified=False)
    elif WHAT == "repair":
        history.repair()
    elif WHAT == "create":
        migrations.migrate(lease.Lease(PATH, JOURNALS / "turnstile"), JOURNALS)
    else:
        added = (*migrations.STEPS, "CREATE TABLE added (x INTEGER)")
        migrations.migrate(lease.Lease(PATH, JOURNALS / "turnstile"), JOURNALS, added)


def leave_a_log():
    """What a program leaves that is killed after its commit."""
    connection = duckdb.connect(str(PATH))
    connection.execute("INSERT INTO lost VALUES ('x', now()::TIMESTAMP)")
    assert LOG.stat().st_size
    os.kill(os.getpid(), 9)


def lay():
    """Put all as it was before a step, with a log beside the file."""
    for path in [LOG, *PATH.parent.glob(f"{PATH.name}.v*"), *PATH.parent.glob(f"{PATH.name}.damaged-*")]:
        path.unlink(missing_ok=True)
    shutil.rmtree(JOURNALS, ignore_errors=True)
    JOURNALS.mkdir()
    if WHAT == "create":
        PATH.unlink(missing_ok=True)
        return
    PATH.write_bytes(WHOLE)
    forked(leave_a_log)
    if not LOG.exists():
        sys.exit("there is no log")


def tell():
    """What there is for whoever comes next."""
    if WHAT == "repair":
        with contextlib.suppress(HistoryError):  # it was done already
            History(PATH).repair()
    if WHAT == "create":
        History(PATH).flush()
    with duckdb.connect(str(PATH)) as found:
        rows = [found.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0] for table in ("runs", "events", "lost")]
        added = found.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'added'").fetchall()[0][0]
    print(*rows, added, flush=True)  # noqa: T201


def forked(work, *arguments):
    """Whether it came to its end in a process of its own."""
    child = os.fork()
    if not child:
        try:
            work(*arguments)
        finally:
            os._exit(0 if sys.exc_info()[0] is None else 1)
    return os.waitpid(child, 0)[1] == 0


if WHAT == "repair":
    with duckdb.connect(str(PATH)) as connection:
        connection.execute("DROP TABLE actions")
WHOLE = PATH.read_bytes()
for step in range(1, 200):
    lay()
    ended = forked(work, step)
    if not forked(tell):
        sys.exit(f"after step {step} of {WHAT} nothing can be opened")
    if ended:
        break
