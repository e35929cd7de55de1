"""Rebuilds a history from the file, as far as it can be read, from its backups, and from all journals.

The file is opened only for its lock. A copy of it is read, table by table, and around a damaged block in smaller and
smaller pieces. What can be read goes into a new file, and the old one stays beside it under another name.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jupyter_loops.errors import HistoryError, NewerHistoryError

from . import audit, catalogue, file_errors, heads, leftovers, migrations, retention, spares
from .file_errors import BusyError
from .journal_frame import Entry
from .lease import ENDS, Cursor, Lease, quoted, run
from .projection import BATCH, project
from .read_only_copy import copy
from .segment import SUFFIX, now, peek
from .steps import STEPS

DAMAGED = "damaged"  # in the name of the old file, which stays beside the new one
PIECE = 128  # rows that are not read in smaller pieces
RUNS = 500  # runs whose rows are computed at once
HOLD = 1.0  # seconds to wait for the file
MAX_MISSING = 10  # missing parts that a report names

TABLES = """
CREATE OR REPLACE TEMP TABLE copies (run_id VARCHAR, seq INTEGER, hash VARCHAR, body VARCHAR, source INTEGER);
CREATE OR REPLACE TEMP TABLE chosen (run_id VARCHAR, seq INTEGER, hash VARCHAR, body VARCHAR);
"""
ATTACH = "ATTACH {} AS copied (READ_ONLY)"
# An older copy may lack columns.
COPIED_COLUMNS = "SELECT column_name FROM duckdb_columns() WHERE database_name = 'copied' AND table_name = $table_name"
COPY = "INSERT INTO {table} ({columns}) (SELECT {columns} FROM copied.{table} EXCEPT SELECT {columns} FROM {table})"
EVENTS = "INSERT INTO copies SELECT run_id, seq, hash, body, {source} FROM copied.events"
# Of these columns a run and a number are in the body, too.
BODIES = """
INSERT INTO copies SELECT body->>'$.run', (body->>'$.seq')::INTEGER, hash, body, {source} FROM copied.events
"""
TEXTS = "INSERT OR IGNORE INTO texts (sha, text) SELECT sha, text FROM copied.texts"
FROM_JOURNALS = """
INSERT INTO copies SELECT unnest($runs), unnest($seqs), unnest($hashes), unnest($bodies), 0;
"""
LACKING = f"""
INSERT INTO texts (sha, text)
SELECT DISTINCT uses.sha, NULL FROM ({retention.USES}) AS uses ANTI JOIN texts USING (sha) WHERE uses.sha IS NOT NULL
"""  # noqa: S608 - a constant
TEXTS_OF_JOURNALS = "INSERT OR IGNORE INTO texts (sha, text) SELECT unnest($shas), unnest($texts)"
# What was pruned stays so, wherever it still is.
KEEP = """
INSERT INTO chosen SELECT run_id, seq, hash, body FROM copies
WHERE run_id IS NOT NULL AND seq IS NOT NULL AND hash IS NOT NULL AND run_id NOT IN (
    SELECT run_id FROM heads GROUP BY run_id HAVING arg_max(what, number) = 'pruned'
)
QUALIFY row_number() OVER (PARTITION BY run_id, seq ORDER BY source) = 1
"""
LOST = heads.NEW.format(
    what="'lost'",
    runs="""(
    SELECT run_id, arg_max(events, number) AS events, arg_max(tip, number) AS tip FROM heads GROUP BY run_id
    HAVING arg_max(what, number) NOT IN ('pruned', 'lost')
) AS last ANTI JOIN chosen ON chosen.run_id = last.run_id AND chosen.seq = last.events AND chosen.hash = last.tip""",
)
LOST_RUNS = "SELECT run_id FROM new_heads ANTI JOIN chosen USING (run_id) ORDER BY run_id"
CUT = """
SELECT run_id, max(chosen.seq), any_value(events) FROM new_heads JOIN chosen USING (run_id) GROUP BY run_id ORDER BY ALL
"""
FILL_BATCH = "INSERT INTO batch SELECT run_id, seq, hash, body FROM chosen WHERE run_id IN (SELECT unnest($ids))"


@dataclass(slots=True)
class Repaired:
    """What a repair saved, from where, and what is missing."""

    old_file: Path  # the file before the repair, under its new name
    runs: int = 0
    events: int = 0
    sources: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        saved = f"saved {self.runs} run{'' if self.runs == 1 else 's'} with {self.events:,} events"
        lines = [f"{saved}, from {', '.join(self.sources)}", f"the old file is kept as {self.old_file}"]
        more = len(self.missing) - MAX_MISSING
        lines += [f"missing: {gap}" for gap in self.missing[:MAX_MISSING]] or ["nothing is known to be missing"]
        return "; ".join([*lines, *([f"and {more} more"] if more > 0 else [])])


def rebuild(path: Path, folders: Sequence[Path]) -> Repaired:
    """Rebuild the history at `path`, with the journals in `folders`, of which the first is the history's.

    Raises HistoryError where the file is sound or nothing of it is left, BusyError where it is in use.
    """
    if not path.is_file():
        raise HistoryError(f"there is no file {path} to repair; %loops import takes a backup in")
    try:
        spares.build(folders[0])
    except OSError as error:
        raise HistoryError(f"{folders[0]}, where it would be made, cannot be: {error.strerror}") from error
    new_file, lease = folders[0] / leftovers.name(), Lease(path, folders[0] / "turnstile")
    making = Lease(new_file, folders[0] / "turnstile", also=(path.parent,))
    try:
        with _write_locked(lease), _copied(path, folders[0]) as file_copy:
            making.create(new_file, lambda cursor: migrations.apply(cursor, STEPS))
            with making.attached(write=True, patience=HOLD) as cursor:
                done = _fill(cursor, path, file_copy, folders)
            making.close()
            _swap(path, new_file, done.old_file)
    finally:
        making.close()
        lease.close()
        new_file.unlink(missing_ok=True)
    return done


@contextlib.contextmanager
def _write_locked(lease: Lease) -> Iterator[None]:
    """Keep other processes from writing to the file; no process writes to one that does not open."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(lease.attached(write=False, patience=HOLD))
        except BusyError:
            raise
        except HistoryError:
            for holder in file_errors.holders(lease.path):
                if holder.pid != os.getpid():
                    raise BusyError(f"{lease.name} is in use by {holder}") from None
        yield


@contextlib.contextmanager
def _copied(path: Path, folder: Path) -> Iterator[Path]:
    file_copy = folder / leftovers.name()
    try:
        copy(path, file_copy)
        yield file_copy
    except (OSError, subprocess.SubprocessError) as error:
        raise HistoryError(f"{path} cannot be copied to be read: {error}") from error
    finally:
        for end in ENDS:
            Path(f"{file_copy}{end}").unlink(missing_ok=True)


def _fill(cursor: Cursor, path: Path, file_copy: Path, folders: Sequence[Path]) -> Repaired:
    """Put what there is into the attached new history."""
    done = Repaired(_free_name(path))
    for statement in cursor.extract_statements(TABLES):
        cursor.execute(statement).fetchall()
    entries = [entry for file in _journals(folders) for entry in peek(file)]
    if _take(cursor, file_copy, 1, path.name, done):
        raise HistoryError(
            f"{path} can be read from end to end: %loops verify proves it, %loops verify --mend computes rows anew"
        )
    lacking = not done.sources or bool(done.missing)
    for number, backup in enumerate(_backups(path), start=2):
        if lacking or f".{DAMAGED}-" in backup.name:  # the old file of a repair that was killed has the log
            with _copied(backup, folders[0]) as backup_copy:
                _take(cursor, backup_copy, number, backup.name, done)
    if entries:
        _take_entries(cursor, entries)
        done.sources.append("the journals")
    run(cursor, KEEP)
    ((done.runs, done.events),) = run(cursor, "SELECT count(DISTINCT run_id), count(*) FROM chosen")
    if not done.events:
        raise HistoryError(
            f"nothing of a history was found in {path}, in backups or journals beside it; it stays as it is: "
            f"move it away, and a new one is made at once, or {file_errors.ELSE}"
        )
    done.missing += _mark_lost(cursor)
    _project(cursor)
    run(cursor, retention.ORPHANS)
    ((empty,),) = run(cursor, LACKING)
    done.missing += [f"{empty:,} texts that are nowhere: their hashes are kept, as of forgotten ones"] if empty else []
    done.missing += [audit.describe_gap(*gap) for gap in audit.gaps(cursor)]
    return done


def _take(cursor: Cursor, file: Path, source: int, name: str, done: Repaired) -> bool:
    """Read what there is in a database; gives whether nothing is wrong with it."""
    import duckdb

    before = len(done.missing)
    there = _attach(cursor, file, name, done)
    if there is None:
        return False
    try:
        if "schema_versions" not in there:
            done.missing.append(f"nothing of {name}, which is no history")
            return False
        required = set(catalogue.TABLES if _version(cursor, name) == len(STEPS) else audit.COMPUTED)
        _rows(cursor, "events", [EVENTS.format(source=source), BODIES.format(source=source)], name, done)
        _rows(cursor, "texts", [TEXTS], name, done)
        chain = () if run(cursor, "FROM heads LIMIT 1") else ("heads", "signatures")  # both of one file
        for table in (*chain, "lost", "corrections", "loop_memory"):
            if table in there:  # older versions lack some
                _take_table(cursor, table, name, done)
        done.sources.append(name)
        return len(done.missing) == before and required <= there and all(_readable(cursor, table) for table in required)
    except duckdb.Error as error:
        done.missing.append(f"what was in {name}: {_message(error, file)}")
        return False
    finally:
        run(cursor, "DETACH copied")


def _version(cursor: Cursor, name: str) -> int:
    """The version of its schema. Raises NewerHistoryError."""
    ((version,),) = run(cursor, "SELECT coalesce(max(version), 0) FROM copied.schema_versions")
    if version > len(STEPS):
        raise NewerHistoryError(f"{name} has schema version {version}: the jupyter-loops that wrote it can repair it")
    return int(version)


def _attach(cursor: Cursor, file: Path, name: str, done: Repaired) -> set[str] | None:
    """The tables of a copy that is attached as `copied`, with as much of its log as can be read."""
    import duckdb

    try:
        run(cursor, ATTACH.format(quoted(file)))
    except duckdb.Error as error:
        log = Path(f"{file}.wal")
        if not log.exists() or not _shorten(cursor, file, log):
            done.missing.append(f"what was in {name}: {_message(error, file)}")
            return None
        done.missing.append(f"what was in the write-ahead log of {name} after its first {log.stat().st_size:,} bytes")
        run(cursor, ATTACH.format(quoted(file)))
    return {table for (table,) in run(cursor, "SELECT table_name FROM duckdb_tables() WHERE database_name = 'copied'")}


def _shorten(cursor: Cursor, file: Path, log: Path) -> bool:
    """Cut a log where it is damaged: a torn end is no hindrance. Gives whether the file can be read then."""
    content = log.read_bytes()
    good, bad = 0, len(content)
    while bad - good > 1:
        middle = (good + bad) // 2
        log.write_bytes(content[:middle])
        good, bad = (middle, bad) if _opens(cursor, file) else (good, middle)
    log.write_bytes(content[:good])
    return _opens(cursor, file)


def _opens(cursor: Cursor, file: Path) -> bool:
    import duckdb

    try:
        run(cursor, ATTACH.format(quoted(file)))
        run(cursor, "DETACH copied")
    except duckdb.Error:
        return False
    return True


def _rows(cursor: Cursor, table: str, ways: Sequence[str], name: str, done: Repaired) -> None:
    """All rows of a table that can be read in one of these ways."""
    import duckdb

    try:
        run(cursor, ways[0])
    except duckdb.CatalogException:
        done.missing.append(f"the table {table} of {name}")
    except duckdb.Error:
        ((last,),) = run(cursor, f"SELECT max(rowid) FROM copied.{table}")  # noqa: S608 - our own names
        lost = _pieces(cursor, ways, 0, -(-(last + 1) // PIECE)) if last is not None else 0
        if lost:
            done.missing.append(f"up to {lost:,} rows of {table} that {name} had")


def _pieces(cursor: Cursor, ways: Sequence[str], start: int, end: int) -> int:
    """Read from one piece to another, halving what cannot be read; gives the rows that cannot be."""
    import duckdb

    for way in ways if end - start == 1 else ways[:1]:
        with contextlib.suppress(duckdb.Error):
            run(cursor, f"{way} WHERE rowid >= {start * PIECE} AND rowid < {end * PIECE}")
            return 0
    if end - start <= 1:
        return PIECE * (end - start)
    middle = (start + end) // 2
    return _pieces(cursor, ways, start, middle) + _pieces(cursor, ways, middle, end)


def _take_table(cursor: Cursor, table: str, name: str, done: Repaired) -> None:
    """A table that is taken as it is, or not at all."""
    import duckdb

    try:
        columns = ", ".join(f'"{name}"' for (name,) in run(cursor, COPIED_COLUMNS, {"table_name": table}))
        run(cursor, COPY.format(table=table, columns=columns))
    except duckdb.Error:
        done.missing.append(f"the table {table} of {name}")


def _readable(cursor: Cursor, table: str) -> bool:
    import duckdb

    try:
        run(cursor, f"SELECT count(hash(row_value)) FROM copied.{table} AS row_value")  # noqa: S608 - our own names
    except duckdb.Error:
        return False
    return True


def _take_entries(cursor: Cursor, entries: Sequence[Entry]) -> None:
    columns = {"runs": "run", "seqs": "seq", "hashes": "hash", "bodies": "body"}
    run(cursor, FROM_JOURNALS, {name: [getattr(entry, of) for entry in entries] for name, of in columns.items()})
    texts = dict(pair for entry in entries for pair in entry.texts)
    run(cursor, TEXTS_OF_JOURNALS, {"shas": list(texts), "texts": list(texts.values())})


def _mark_lost(cursor: Cursor) -> list[str]:
    """Record in the chain of runs what could not be saved; gives it in words."""
    run(cursor, LOST)
    lost_runs = [name for (name,) in run(cursor, LOST_RUNS)]
    plural = "" if len(lost_runs) == 1 else "s"
    missing = [f"{len(lost_runs)} whole run{plural} ({', '.join(lost_runs)})"] if lost_runs else []
    missing += [
        f"events {last + 1} to {events} of run {name}" for name, last, events in run(cursor, CUT) if last < events
    ]
    run(cursor, heads.APPEND)
    return missing


def _project(cursor: Cursor) -> None:
    ids = [name for (name,) in run(cursor, "SELECT DISTINCT run_id FROM chosen ORDER BY run_id")]
    for start in range(0, len(ids), RUNS):
        run(cursor, BATCH)
        run(cursor, FILL_BATCH, {"ids": ids[start : start + RUNS]})
        project(cursor)


def _journals(folders: Sequence[Path]) -> list[Path]:
    paths = [path for folder in folders if folder.is_dir() for path in folder.iterdir()]
    return sorted((path for path in paths if path.suffix in {SUFFIX, ".damaged"}), key=lambda path: path.name)


def _backups(path: Path) -> list[Path]:
    """What an upgrade or an earlier repair has left, newest first."""
    backups = [*path.parent.glob(f"{path.name}.v*"), *path.parent.glob(f"{path.name}.{DAMAGED}-*")]
    files = [backup for backup in backups if backup.suffix != ".wal"]
    return sorted(files, key=lambda file: file.stat().st_mtime, reverse=True)


def _free_name(path: Path) -> Path:
    stem = f"{path.name}.{DAMAGED}-{now()}"
    names = (path.with_name(f"{stem}-{number}" if number > 1 else stem) for number in itertools.count(1))
    return next(name for name in names if not name.exists())


def _swap(path: Path, new_file: Path, old_file: Path) -> None:
    """Put the new file in the place of the old one, which has its second name, and its log, before that."""
    log = Path(f"{path}.wal")
    for old, new in ((path, old_file), (log, Path(f"{old_file}.wal"))):
        if old.exists():
            try:
                os.link(old, new)
            except OSError:  # a file system without links
                shutil.copy2(old, new)
    log.unlink(missing_ok=True)
    new_file.replace(path)


def _message(error: Exception, file: Path) -> str:
    return str(error).partition("\n")[0].replace(str(file), file.name)
