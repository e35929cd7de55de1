"""The database file, leased: attached for one transaction or one query, and let go at once.

DuckDB locks a file for as long as a process has it open. An in-memory DuckDB that attaches the file for some
milliseconds leaves it to everyone else the rest of the time. Our own processes queue at a *turnstile*, a lock
file, so that a writer is not starved by readers; others are waited for, with growing and jittered pauses.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_loops.errors import HistoryError, NewerHistoryError

from .lock import FileLock

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

TURN = 2.0  # seconds to queue among our own; then try all the same, because the one in front may be suspended
PAUSES = 0.001, 0.05  # seconds between tries, from the first to the last
FORMAT = (
    "STORAGE_VERSION 'v1.5.0'"  # of new files: the oldest DuckDB that we run on can read them, command line included
)
BUSY = ("lock", "already attached", "being used by another process")


class BusyError(HistoryError):
    """Another program has the history open, and has not let go in time."""


def quoted(path: Path) -> str:
    """A path as an SQL string."""
    return "'" + str(path).replace("'", "''") + "'"


def run(cursor: DuckDBPyConnection, statement: str, parameters: object = None) -> list[tuple[Any, ...]]:
    """Execute one statement to its end, and give its rows."""
    return cursor.execute(statement, parameters).fetchall()


def roll_back(cursor: DuckDBPyConnection) -> None:
    """Undo the transaction, if there still is one; the error that led here is the one to tell."""
    import duckdb

    with contextlib.suppress(duckdb.Error):
        cursor.execute("ROLLBACK")


class Lease:
    """One file that is attached only while it is used. Thread-safe: threads take turns."""

    def __init__(self, path: Path, turnstile: Path | None, *, also: Sequence[Path] = ()) -> None:
        """`also`: folders whose files may be written, besides the history. Who only reads needs no turnstile."""
        self.path, self._turnstile, self._also = path, turnstile, also
        self._lock = threading.RLock()
        self._memory: DuckDBPyConnection | None = None

    @contextlib.contextmanager
    def attached(
        self, *, write: bool, patience: float, session: DuckDBPyConnection | None = None
    ) -> Iterator[DuckDBPyConnection]:
        """A cursor, or `session`, in the history. Raises BusyError when nobody let go for `patience` seconds."""
        with self._lock, self._cursor() if session is None else contextlib.nullcontext(session) as cursor:
            turn = None if self._turnstile is None else FileLock.wait(self._turnstile, min(TURN, patience))
            try:
                self._attach(cursor, write=write, deadline=time.monotonic() + patience)
                if not write and turn is not None:  # readers share; the queue is for those who wait
                    turn.close()
                    turn = None
                try:
                    run(cursor, "USE history")
                    yield cursor
                finally:
                    self._detach(cursor)
            finally:
                if turn is not None:
                    turn.close()

    def create(self, where: Path, prepare: Callable[[DuckDBPyConnection], None]) -> None:
        """Make a new file at `where`, which nobody else knows of."""
        with self._lock, self._cursor() as cursor:
            run(cursor, f"ATTACH {quoted(where)} AS history ({FORMAT})")
            try:
                run(cursor, "USE history")
                prepare(cursor)
            finally:
                self._detach(cursor)
            where.chmod(0o600)

    def session(self) -> DuckDBPyConnection:
        """A connection of its own for what outlives the lease: temporary tables."""
        with self._lock:
            return self._database().cursor()

    @contextlib.contextmanager
    def _cursor(self) -> Iterator[DuckDBPyConnection]:
        cursor = self._database().cursor()
        try:
            yield cursor
        finally:
            cursor.close()

    def _database(self) -> DuckDBPyConnection:
        if self._memory is None:
            self._memory = _sealed(self.path, [*([self._turnstile.parent] if self._turnstile else []), *self._also])
        return self._memory

    def _attach(self, cursor: DuckDBPyConnection, *, write: bool, deadline: float) -> None:
        import duckdb

        pause, longest = PAUSES
        while True:
            try:
                run(cursor, f"ATTACH {quoted(self.path)} AS history{'' if write else ' (READ_ONLY)'}")
            except duckdb.Error as error:
                if not any(word in str(error) for word in BUSY):
                    raise _refusal(self.path, error) from error
                if time.monotonic() > deadline:
                    raise BusyError(f"{self.path} is in use by {_whom(error)}") from error
                time.sleep(random.uniform(0, pause))  # noqa: S311 - jitter, not a secret
                pause = min(pause * 1.5, longest)
            else:
                return

    def _detach(self, cursor: DuckDBPyConnection) -> None:
        run(cursor, "USE memory")
        run(cursor, "DETACH history")

    def close(self) -> None:
        """Free the memory; the next use starts anew."""
        with self._lock:
            if self._memory is not None:
                self._memory.close()
                self._memory = None


def _sealed(path: Path, folders: Sequence[Path]) -> DuckDBPyConnection:
    """A DuckDB in memory that can reach the history and no other file, and cannot be told otherwise."""
    import duckdb

    memory = duckdb.connect(":memory:", config={"python_enable_replacements": "false"})
    files = [Path(f"{path}{end}") for end in ("", ".wal", ".wal.checkpoint", ".wal.recovery")]
    run(memory, f"SET allowed_paths = [{', '.join(map(quoted, files))}]")
    run(memory, f"SET allowed_directories = [{', '.join(map(quoted, folders))}]::VARCHAR[]")
    run(memory, "SET TimeZone = 'UTC'")
    run(memory, "SET enable_external_access = false")
    run(memory, "SET lock_configuration = true")
    return memory


def _whom(error: Exception) -> str:
    if "already attached" in str(error):
        return "this very process, which has opened it by other means and must close it"
    return f"another program: {_first_line(error)}"


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _refusal(path: Path, error: Exception) -> HistoryError:
    text = _first_line(error)
    if "newer" in text or "version number" in text:
        return NewerHistoryError(f"{path} was written by a newer DuckDB; upgrade duckdb to read it. {text}")
    return HistoryError(f"{path} cannot be opened: {text}")
