"""A history in a lake: its catalogue in SQLite or PostgreSQL, its rows in files of a folder that the team shares.

A lake has neither keys nor enums, and its writers do not wait for each other: the second commit fails, and is tried
again. To make it fail, each writer updates the same row.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_loops.errors import HistoryError

from . import extensions
from .address import Address
from .lease import BusyError, Cursor, Lease, first_line, quoted, run, seal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

INLINE = 500  # rows of one statement that go to the catalogue, and not to a file of their own
SQLITE = ["META_JOURNAL_MODE 'WAL'", "META_BUSY_TIMEOUT 5000"]  # readers do not stop writers; milliseconds
SCANNERS = {"sqlite": "sqlite_scanner", "postgres": "postgres_scanner"}
CONFLICT = ("conflict", "database is locked", "could not serialize", "deadlock", "failed to commit")


class LakeLease(Lease):
    """The lake is attached for one transaction or one query, like a file; one in PostgreSQL until something fails.

    Nothing is held between transactions. A sealed DuckDB may not attach PostgreSQL: that is done before it is sealed.
    """

    TEXTS = "INSERT INTO texts (sha, text) SELECT sha, text FROM new_texts ANTI JOIN texts USING (sha)"
    UPGRADES = True  # its older snapshots are the backup
    COMMENTS_IN_VIEWS = False
    FIRST = "UPDATE schema_versions SET version = version"

    def __init__(self, address: Address, turnstile: Path | None, *, also: Sequence[Path] = ()) -> None:
        super().__init__(address.home, turnstile, also=also)
        self.name = address.text
        _, self._kind, self._where = address.text.partition("?data=")[0].split(":", 2)
        self._data, self._stays_attached = address.data, self._kind == "postgres"

    def schema(self, step: str) -> str:
        """The same tables with what a lake knows."""
        step = re.sub(r"CREATE TYPE (?s:.*?);|DROP TYPE .*;|ALTER TABLE \w+ ALTER COLUMN \w+ TYPE .*;", "", step)
        step = step.replace(" PRIMARY KEY", "")
        return re.sub(r"(?m)^(    \w+ +)(run_state|stop_reason)\b", r"\1VARCHAR", step)

    def _open(self, folders: Sequence[Path | str]) -> DuckDBPyConnection:
        files = [Path(f"{self._where}{end}") for end in ("", "-journal", "-wal", "-shm")] * (self._kind == "sqlite")
        local = "://" not in self._data
        if local:
            Path(self._data).mkdir(parents=True, exist_ok=True)
        needed = [SCANNERS[self._kind], "ducklake", *(() if local else ("httpfs",))]

        def prepare(memory: DuckDBPyConnection) -> None:
            extensions.load(memory, *needed)
            if self._stays_attached:
                self._reach(memory)

        return seal(files, [*folders, f"{self._data}/"], prepare, secrets_of_user=self._stays_attached or not local)

    def _reach(self, memory: DuckDBPyConnection) -> None:
        import duckdb

        try:
            run(memory, self._attachment(write=True))
        except duckdb.Error as error:
            raise (BusyError(self._busy(error)) if self._waits(error) else self._refusal(error)) from error

    @contextlib.contextmanager
    def attached(self, *, write: bool, patience: float, session: DuckDBPyConnection | None = None) -> Iterator[Cursor]:
        """As of a file. Raises BusyError when the catalogue does not answer."""
        import duckdb

        try:
            with super().attached(write=write, patience=patience, session=session) as cursor:
                yield cursor
        except duckdb.Error:
            if self._stays_attached:  # its connection may be dead: the next one is new
                self.close()
            raise

    def _detach(self, cursor: DuckDBPyConnection) -> None:
        if self._stays_attached:
            run(cursor, "USE memory")
        else:
            super()._detach(cursor)

    def _statement(self, *, write: bool) -> str:
        return "SELECT 1" if self._stays_attached else self._attachment(write=write)

    def _attachment(self, *, write: bool) -> str:
        what = f"ducklake:{self._kind}:{self._where}".replace("'", "''")
        options = (
            [f"DATA_PATH {quoted(self._data + '/')}", f"DATA_INLINING_ROW_LIMIT {INLINE}"] if write else ["READ_ONLY"]
        )
        options += SQLITE * (self._kind == "sqlite")
        return f"ATTACH '{what}' AS history ({', '.join(options)})"

    @contextlib.contextmanager
    def _private_log(self) -> Iterator[None]:
        yield

    def _waits(self, error: Exception) -> bool:
        return self.conflicts(error) or "unable to connect" in str(error).lower()

    def conflicts(self, error: Exception) -> bool:
        """Whether another writer committed first, so that the transaction may be tried again."""
        return any(word in str(error).lower() for word in CONFLICT)

    def compact(self, folder: Path, patience: float) -> None:  # noqa: ARG002
        """Write rows to files, join small files, and forget what was deleted; older snapshots go with it."""
        with self.attached(write=True, patience=patience) as cursor:
            for call in (
                "ducklake_flush_inlined_data('history')",
                "ducklake_merge_adjacent_files('history')",
                "ducklake_expire_snapshots('history', older_than => now())",
                "ducklake_cleanup_old_files('history', cleanup_all => true)",
            ):
                run(cursor, f"SELECT count(*) FROM {call}")  # noqa: S608 - one of these

    def _busy(self, error: Exception) -> str:
        return f"{self.name} does not answer, or is being written: {first_line(error)}"

    def _refusal(self, error: Exception) -> HistoryError:
        return HistoryError(f"{self.name} cannot be opened: {first_line(error)}")
