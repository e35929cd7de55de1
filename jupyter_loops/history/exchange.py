"""Histories in and out of files: tables as Parquet or CSV, and another history's runs into this one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from jupyter_loops.errors import HistoryError

from .body import mentioned
from .journal_frame import Entry
from .lease import Cursor, quoted, run
from .quack import RemoteCursor

FORMATS = {"parquet": "FORMAT parquet, COMPRESSION zstd", "csv": "FORMAT csv, HEADER"}
GATHER = 5_000  # events that are handed on at once
ENDS = "SELECT run_id, events FROM runs"
HASHES = """
SELECT run_id, hash FROM events JOIN (SELECT unnest($runs) AS run_id, unnest($seqs) AS seq) USING (run_id, seq)
"""
LATER = "SELECT seq, hash, body FROM events WHERE run_id = $run AND seq > $after ORDER BY seq"
TEXTS = "SELECT sha, text FROM texts WHERE text IS NOT NULL AND sha IN (SELECT unnest($shas))"


def write_tables(cursor: Cursor, folder: Path, kind: str) -> dict[str, int]:
    """One file a table; gives the rows of each. Raises HistoryError for another format."""
    if kind not in FORMATS:
        raise HistoryError(f"a history is exported as {' or '.join(FORMATS)}, not as {kind}")
    query = "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() ORDER BY ALL"
    counted = {}
    for (table,) in run(cursor, query):
        target = quoted(folder / f"{table}.{kind}")
        here, what = (cursor.local, cursor.rows_of(table)) if isinstance(cursor, RemoteCursor) else (cursor, table)
        ((counted[table],),) = run(here, f"COPY {what} TO {target} ({FORMATS[kind]})")
    return counted


def ends(cursor: Cursor) -> dict[str, int]:
    """Run → number of its last event."""
    return dict(run(cursor, ENDS))


def hashes(cursor: Cursor, positions: Mapping[str, int]) -> dict[str, str]:
    """The hash of one event of each run, where there is that event."""
    return dict(run(cursor, HASHES, {"runs": list(positions), "seqs": list(positions.values())}))


def same(local_hashes: Mapping[str, str], other_hashes: Mapping[str, str]) -> None:
    """Raises HistoryError when two histories hold different events under the same run id."""
    for name in sorted(local_hashes.keys() & other_hashes.keys()):
        if local_hashes[name] != other_hashes[name]:
            raise HistoryError(f"nothing was imported: run {name} is there too, and is another one")


def later(cursor: Cursor, stored_ends: Mapping[str, int]) -> Iterator[list[Entry]]:
    """What a history has beyond the events that are known, in portions; a run's events stay together."""
    portion: list[Entry] = []
    for name, last in sorted(ends(cursor).items()):
        if stored_ends.get(name, 0) < last:
            portion += _entries(cursor, name, stored_ends.get(name, 0))
        if len(portion) >= GATHER:
            yield portion
            portion = []
    if portion:
        yield portion


def _entries(cursor: Cursor, name: str, after: int) -> Sequence[Entry]:
    """The events of a run after that one, the first with the texts of all."""
    rows = run(cursor, LATER, {"run": name, "after": after})
    shas = sorted({sha for _, _, body in rows for sha in mentioned(json.loads(body))})
    texts = tuple(run(cursor, TEXTS, {"shas": shas}))
    return [Entry(name, seq, digest, body, () if place else texts) for place, (seq, digest, body) in enumerate(rows)]
