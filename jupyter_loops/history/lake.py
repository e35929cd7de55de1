"""A history in a lake: its catalogue in SQLite or PostgreSQL, its rows in files of a folder that the team shares.

A lake has neither keys nor enums, and its writers do not wait for each other: who commits second is told, and tries
again. To be told, each writer moves one row that all of them move.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_loops.errors import HistoryError

from . import extensions
from .address import Address
from .lease import Lease, first_line, quoted, run, seal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

INLINE = 500  # rows of one statement that go to the catalogue, and not to a file of their own
SCANNERS = {"sqlite": "sqlite_scanner", "postgres": "postgres_scanner"}
CONFLICT = ("conflict", "database is locked", "could not serialize", "deadlock", "failed to commit")


class LakeLease(Lease):
    """The lake is attached for one transaction or one query, like a file."""

    TEXTS = "INSERT INTO texts SELECT sha, text FROM new_texts ANTI JOIN texts USING (sha)"
    FIRST = "UPDATE schema_versions SET version = version"

    def __init__(self, address: Address, turnstile: Path | None, *, also: Sequence[Path] = ()) -> None:
        super().__init__(address.home, turnstile, also=also)
        self.name = address.text
        _, self._kind, self._where = address.text.partition("?data=")[0].split(":", 2)
        self._data = address.data

    def schema(self, step: str) -> str:
        """The same tables with what a lake knows."""
        step = re.sub(r"CREATE TYPE (?s:.*?);", "", step).replace(" PRIMARY KEY", "")
        return re.sub(r"(?m)^(    \w+ +)(run_state|stop_reason)\b", r"\1VARCHAR", step)

    def _open(self, folders: Sequence[Path | str]) -> DuckDBPyConnection:
        files = [Path(f"{self._where}{end}") for end in ("", "-journal", "-wal", "-shm")] * (self._kind == "sqlite")
        local = "://" not in self._data
        if local:
            Path(self._data).mkdir(parents=True, exist_ok=True)
        needed = [SCANNERS[self._kind], "ducklake", *(() if local else ("httpfs",))]
        return seal(files, [*folders, f"{self._data}/"], lambda memory: extensions.load(memory, *needed))

    def _statement(self, *, write: bool) -> str:
        what = f"ducklake:{self._kind}:{self._where}".replace("'", "''")
        options = f"DATA_PATH {quoted(self._data + '/')}, DATA_INLINING_ROW_LIMIT {INLINE}" if write else "READ_ONLY"
        return f"ATTACH '{what}' AS history ({options})"

    def _waits(self, error: Exception) -> bool:
        return self.conflicts(error) or "unable to connect" in str(error).lower()

    def conflicts(self, error: Exception) -> bool:
        """Whether somebody else was quicker, so that the transaction may be tried again."""
        return any(word in str(error).lower() for word in CONFLICT)

    def compact(self, folder: Path, patience: float) -> None:
        """Write rows to files, join small files, and forget what was deleted; older snapshots go with it."""
        with self.attached(write=True, patience=patience) as cursor:
            for call in (
                "ducklake_flush_inlined_data('history')",
                "ducklake_merge_adjacent_files('history')",
                "ducklake_expire_snapshots('history', older_than => now())",
                "ducklake_cleanup_old_files('history', cleanup_all => true)",
            ):
                run(cursor, f"CALL {call}")

    def _refusal(self, error: Exception) -> HistoryError:
        return HistoryError(f"{self.name} cannot be opened: {first_line(error)}")
