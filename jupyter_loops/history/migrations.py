"""How a history gets from one schema version to the next: numbered steps, each applied once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from jupyter_loops.errors import HistoryError, NewerHistoryError

from . import comments, leftovers
from .lease import FORMAT, Cursor, Lease, quoted, roll_back, run
from .steps import STEPS

NEEDED = {"events", "runs", "texts"}
TEAM = 30.0  # seconds to wait for a server or a catalogue at the first opening


def version(cursor: Cursor) -> int:
    """The schema version of the database in use; 0 for an empty one.

    Raises HistoryError for another's database, and for a history that lacks what nothing can be computed without.
    """
    here = "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database()"
    tables = {name for (name,) in run(cursor, here)}
    if not tables:
        return 0
    if "schema_versions" not in tables:
        raise HistoryError(
            "the file is a DuckDB database, but not a history of jupyter-loops; choose another path, or have "
            "%loops repair make a history from the journals and backups beside it, which keeps this file, too"
        )
    current = int(run(cursor, "SELECT coalesce(max(version), 0) FROM schema_versions")[0][0])
    if 0 < current <= len(STEPS) and (lacking := sorted(NEEDED - tables)):
        raise HistoryError(f"the history lacks its table {lacking[0]}: %loops repair makes it anew from what is left")
    return current


def check(cursor: Cursor, name: str, newest: int = len(STEPS)) -> int:
    """The version of the attached file. Raises NewerHistoryError when this jupyter-loops does not know it."""
    current = version(cursor)
    if current > newest:
        raise NewerHistoryError(
            f"{name} has schema version {current}, and this jupyter-loops knows {newest}: "
            "upgrade jupyter-loops, or choose another file with --history. Nothing was changed. "
            "To look at it all the same: %loop_sql --read-only, or History(path, read_only=True)"
        )
    return current


def migrate(lease: Lease, folder: Path, steps: Sequence[str] = STEPS, patience: float = 1.0) -> None:
    """Create the file, or bring it up to date; a file that is up to date is only read. Raises BusyError."""
    if type(lease) is not Lease:
        _prepare(lease, steps, TEAM)
        return
    path = lease.path
    if not path.exists():
        _create(lease, folder, steps)
    with lease.attached(write=False, patience=patience) as cursor:
        current = check(cursor, lease.name, len(steps))
    if current == len(steps):
        return
    reaching = Lease(path, folder / "turnstile", also=(path.parent,))
    try:
        with reaching.attached(write=True, patience=patience) as cursor:
            current = check(cursor, lease.name, len(steps))
            if 0 < current < len(steps):
                _back_up(cursor, folder, path.with_name(f"{path.name}.v{current}"))
            apply(cursor, steps, current)
    finally:
        reaching.close()


def upgrade(lease: Lease) -> None:
    """Bring a copy that no other process knows of up to date."""
    with lease.attached(write=True, patience=0.0) as cursor:
        current = check(cursor, lease.name)
        if current < len(STEPS):
            apply(cursor, STEPS, current)


def _prepare(lease: Lease, steps: Sequence[str], patience: float) -> None:
    """Make the tables on a server or in a lake, where there are none. Whoever keeps it brings it up to date."""
    import duckdb

    with lease.attached(write=True, patience=patience) as cursor:
        current = check(cursor, lease.name, len(steps))
        if current == len(steps):
            return
        if current and not lease.UPGRADES:
            raise HistoryError(
                f"{lease.name} has schema version {current}, and this jupyter-loops writes {len(steps)}: "
                "serve it with this version, which keeps a backup, or go on with the version that made it"
            )
        try:
            apply(cursor, [lease.schema(step) for step in steps], current, in_views=lease.COMMENTS_IN_VIEWS)
        except duckdb.Error:
            if check(cursor, lease.name, len(steps)) == current:  # otherwise another process was quicker
                raise


def _back_up(cursor: Cursor, folder: Path, backup: Path) -> None:
    """Copy the attached file as it is now, while no other process can write it; a backup is complete, or not there."""
    partial = folder / leftovers.name()
    try:
        run(cursor, f"ATTACH {quoted(partial)} AS backup ({FORMAT})")
        try:
            run(cursor, "COPY FROM DATABASE history TO backup")
        finally:
            run(cursor, "DETACH backup")
        partial.chmod(0o600)
        partial.replace(backup)
    finally:
        partial.unlink(missing_ok=True)


def _create(lease: Lease, folder: Path, steps: Sequence[str]) -> None:
    """Build the file under another name and link it into place, so that no process meets a half-made one."""
    partial = folder / leftovers.name()
    try:
        lease.create(partial, lambda cursor: apply(cursor, steps, 0))
        with lease.queued():
            log = Path(f"{lease.path}.wal")
            if log.exists() and not lease.path.exists():  # of a file that was deleted: it fits no other
                log.replace(f"{log}.left-over")
            _place(partial, lease.path)
    finally:
        partial.unlink(missing_ok=True)


def _place(partial: Path, path: Path) -> None:
    try:
        os.link(partial, path)
    except FileExistsError:
        pass  # another process was quicker
    except OSError:  # a file system without links
        if not path.exists():
            partial.rename(path)


def apply(cursor: Cursor, steps: Sequence[str], current: int = 0, *, in_views: bool = True) -> None:
    """Bring the attached database from version `current` to the last of the steps, in one transaction."""
    run(cursor, "BEGIN")
    try:
        for number, step in enumerate(steps[current:], start=current + 1):
            for statement in cursor.extract_statements(step):
                cursor.execute(statement).fetchall()
            run(
                cursor, "INSERT INTO schema_versions (version, applied_at) VALUES ($n, now()::TIMESTAMP)", {"n": number}
            )
        _describe(cursor, in_views=in_views)
        run(cursor, "COMMIT")
    except BaseException:
        roll_back(cursor)
        raise


def _describe(cursor: Cursor, *, in_views: bool) -> None:
    """Keep the documentation in the file."""
    query = "SELECT table_name, column_name FROM duckdb_columns() WHERE database_name = current_database()"
    for statement in comments.statements(set(run(cursor, query)), in_views=in_views):
        run(cursor, statement)
