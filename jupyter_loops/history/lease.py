"""The database, leased: attached for one transaction or one query, and then released.

DuckDB locks a file for as long as a process has it open. An in-memory DuckDB that attaches the file for some
milliseconds leaves it to everyone else the rest of the time. Our own processes queue at a *turnstile*, a lock
file, so that a writer is not starved by readers; others are waited for, with growing and jittered pauses.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from jupyter_loops.errors import HistoryError

from . import file_errors, leftovers
from .file_errors import BusyError
from .lock import FileLock

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, Statement


__all__ = ["BusyError", "Cursor", "Lease", "first_line", "forget", "quoted", "roll_back", "run", "seal"]


class Cursor(Protocol):
    """Runs statements in a history: DuckDB's own cursor, or one whose statements run on a server."""

    def execute(self, query: Any, parameters: Any = None, /) -> Any:
        """Run a statement; `fetchall()` of what this gives has its rows."""
        ...

    def extract_statements(self, query: str, /) -> list[Statement]:
        """The statements of a text."""
        ...


TURN = 2.0  # seconds to queue; then try without a turn, because the process in front may be suspended
FORK = 0.3  # seconds that a fork waits for a lease to end
QUEUE_PATIENCE = 30.0  # seconds that a writer waits behind another writer of jupyter-loops
PAUSES = 0.001, 0.05  # seconds between tries, from the first to the last
# Of new files: the oldest DuckDB that we run on can read them, command line included; and a checkpoint, which writes
# whole blocks of every column, writes a third of what it would with DuckDB's own 256 kB. Large files are no larger.
FORMAT = "STORAGE_VERSION 'v1.5.0', BLOCK_SIZE 65536"
ENDS = ("", ".wal", ".wal.checkpoint", ".wal.recovery")  # of the names of the files that a database is kept in


def quoted(text: Path | str) -> str:
    """A path, or another text, as an SQL string."""
    return "'" + str(text).replace("'", "''") + "'"


def run(cursor: Cursor, statement: str, parameters: object = None) -> list[tuple[Any, ...]]:
    """Execute one statement to its end, and give its rows."""
    rows: list[tuple[Any, ...]] = cursor.execute(statement, parameters).fetchall()
    return rows


def roll_back(cursor: Cursor) -> None:
    """Undo the transaction, if there still is one; the error that led here is the one to report."""
    import duckdb

    with contextlib.suppress(duckdb.Error):
        cursor.execute("ROLLBACK")


class Lease:
    """One file that is attached only while it is used. Thread-safe: threads take turns."""

    BATCH = 20_000  # events in one transaction
    TEXTS = "INSERT OR IGNORE INTO texts (sha, text) SELECT sha, text FROM new_texts"
    SINGLE_REQUEST = False  # a transaction is sent as one script
    UPGRADES = False  # a client may bring it up to date in place; a file is brought up to date by way of a backup
    COMMENTS_IN_VIEWS = True  # their columns can be described
    FIRST = ""  # what a transaction begins with where writers do not wait for each other

    def __init__(self, path: Path, turnstile: Path | None, *, also: Sequence[Path] = ()) -> None:
        """`also`: folders whose files may be written, besides the history. Who only reads needs no turnstile."""
        self.path, self._turnstile, self._also = path, turnstile, also
        self.name = str(path)
        self._lock = threading.RLock()
        self._memory: DuckDBPyConnection | None = None
        self._users = 0  # of the memory, now
        self._since = 0.0  # when it was first found in use, in seconds since the epoch; 0.0 while it is not

    @contextlib.contextmanager
    def attached(self, *, write: bool, patience: float, session: DuckDBPyConnection | None = None) -> Iterator[Cursor]:
        """A cursor, or `session`, in the history. Raises BusyError when it stays in use for `patience` seconds."""
        patience = self._patience(patience)
        if file_errors.is_special(self.path):
            raise self._refusal(OSError("it cannot be opened"))
        with self._lock, self._cursor() if session is None else contextlib.nullcontext(session) as cursor:
            turn = self._turn(min(TURN, patience))
            if write and turn is None and self._turnstile is not None:
                patience = max(patience, min(QUEUE_PATIENCE, patience * QUEUE_PATIENCE))
            try:
                self._attach(cursor, write=write, patience=patience)
                if not write and turn is not None:  # readers share; the queue is for those who wait
                    turn.close()
                    turn = None
                try:
                    run(cursor, "USE history")
                    with self._private_log() if write else contextlib.nullcontext():
                        yield self._wrap(cursor)
                except Exception as error:
                    if file_errors.damaged(self.path, error):
                        raise self._refusal(error) from error
                    raise
                finally:
                    self._detach(cursor)
            finally:
                if turn is not None:
                    turn.close()

    @contextlib.contextmanager
    def queued(self) -> Iterator[None]:
        """Have the turn of a writer without the file."""
        turn = self._turn(TURN)
        try:
            yield
        finally:
            if turn is not None:
                turn.close()

    def create(self, where: Path, prepare: Callable[[Cursor], None]) -> None:
        """Make a new file at `where`, which no other process knows of."""
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

    def schema(self, step: str) -> str:
        """A step of the migrations in words that this kind of history knows."""
        return step

    def conflicts(self, error: Exception) -> bool:  # noqa: ARG002
        """Whether another writer committed first, so that the transaction may be tried again; a file has one writer."""
        return False

    def compact(self, folder: Path, patience: float) -> None:
        """Rewrite the file without what was deleted from it, by way of a folder beside it."""
        new_file = folder / leftovers.name()
        try:
            with self.attached(write=True, patience=patience) as cursor:
                run(cursor, "CHECKPOINT history")  # its log must not be there when the new file is
                run(cursor, f"ATTACH {quoted(new_file)} AS anew ({FORMAT})")
                try:
                    run(cursor, "COPY FROM DATABASE history TO anew")
                finally:
                    run(cursor, "DETACH anew")
                new_file.chmod(0o600)
                if os.name == "posix":  # no other process has the file open now
                    new_file.replace(self.path)
            if os.name != "posix":  # an open file cannot be replaced there
                new_file.replace(self.path)
        finally:
            new_file.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _cursor(self) -> Iterator[DuckDBPyConnection]:
        cursor = self._database().cursor()
        self._users += 1
        try:
            yield cursor
        finally:
            self._users -= 1
            cursor.close()

    def _database(self) -> DuckDBPyConnection:
        if self._memory is None:
            self._memory = self._open([*([self._turnstile.parent] if self._turnstile else []), *self._also])
        return self._memory

    def _turn(self, seconds: float) -> FileLock | None:
        """Our place in the queue; None where there is no queue, or where it took too long."""
        if self._turnstile is None:
            return None
        try:
            return FileLock.wait(self._turnstile, seconds)
        except OSError as error:
            raise HistoryError(f"{self._turnstile} cannot be locked: {error.strerror}") from error

    def _attach(self, cursor: DuckDBPyConnection, *, write: bool, patience: float) -> None:
        import duckdb

        (pause, longest), deadline = PAUSES, time.monotonic() + patience
        while True:
            try:
                run(cursor, self._statement(write=write))
            except duckdb.Error as error:
                if not self._waits(error):
                    raise self._refusal(error) from error
                if time.monotonic() > deadline:
                    self._since = self._since or time.time() - patience
                    raise BusyError(self._busy(error)) from error
                time.sleep(random.uniform(0, pause))  # noqa: S311 - jitter, not a secret
                pause = min(pause * 1.5, longest)
            else:
                self._since = 0.0
                return

    def _detach(self, cursor: DuckDBPyConnection) -> None:
        import duckdb

        try:
            run(cursor, "USE memory")
            run(cursor, "DETACH history")
        except duckdb.Error:  # the server or the catalogue is gone: the transaction has ended
            self.close()

    def close(self) -> None:
        """Close DuckDB; the next use opens it again."""
        with self._lock:
            if self._memory is not None:
                self._memory.close()
                self._memory = None

    def release(self) -> None:
        """Before a fork: close DuckDB, whose threads a child would not have, unless it is in use."""
        if self._lock.acquire(timeout=FORK):
            try:
                if not self._users:
                    self.close()
            finally:
                self._lock.release()

    def abandon(self) -> None:
        """In a forked child: keep what is still open from being taken down."""
        if self._memory is not None:
            forget(self._memory)
            self._memory = None

    # ---- what is particular to a file

    @contextlib.contextmanager
    def _private_log(self) -> Iterator[None]:
        """Have the write-ahead log for the owner only from its first byte, whatever the umask is.

        DuckDB takes an empty one, and deletes it with the last checkpoint.
        """
        log = Path(f"{self.path}.wal")
        with contextlib.suppress(OSError):
            os.close(os.open(log, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                if not log.stat().st_size:
                    log.unlink()

    def _open(self, folders: Sequence[Path | str]) -> DuckDBPyConnection:
        return seal([Path(f"{self.path}{end}") for end in ENDS], folders)

    def _statement(self, *, write: bool) -> str:
        return f"ATTACH {quoted(self.path)} AS history{'' if write else ' (READ_ONLY)'}"

    def _patience(self, seconds: float) -> float:
        return seconds

    def _wrap(self, cursor: DuckDBPyConnection) -> Cursor:
        return cursor

    def _waits(self, error: Exception) -> bool:
        return file_errors.in_use(self.path, error)

    def _busy(self, error: Exception) -> str:
        return file_errors.busy(self.name, self.path, error, self._since)

    def _refusal(self, error: Exception) -> HistoryError:
        return file_errors.refusal(self.name, self.path, error)


def seal(
    files: Sequence[Path | str],
    folders: Sequence[Path | str],
    prepare: Callable[[DuckDBPyConnection], None] = lambda _: None,
    where: str = ":memory:",
    *,
    secrets_of_user: bool = False,
) -> DuckDBPyConnection:
    """A DuckDB, in memory or in a file, that can reach these files and no others, and whose settings are locked.

    `secrets_of_user`: the secrets that the user has stored in DuckDB may be used.
    """
    import duckdb

    database = duckdb.connect(
        where, config={"python_enable_replacements": False, "allow_persistent_secrets": secrets_of_user}
    )
    try:
        prepare(database)
        run(database, f"SET allowed_paths = [{', '.join(map(quoted, files))}]::VARCHAR[]")
        run(database, f"SET allowed_directories = [{', '.join(map(quoted, folders))}]::VARCHAR[]")
        run(database, "SET TimeZone = 'UTC'")
        run(database, "SET enable_external_access = false")
        run(database, "SET lock_configuration = true")
    except BaseException:
        database.close()
        raise
    return database


def forget(connection: DuckDBPyConnection) -> None:
    """In a forked child: never take it down. DuckDB would wait for its threads, which are not there, or crash."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


def first_line(error: Exception) -> str:
    """The first line of an error's message."""
    return str(error).partition("\n")[0]
