"""Computes the tables again from the events, which the chain of hashes proves; see audit.py.

DuckDB can lose an update when it replays its log after a crash under several writers (seen with 1.5.5 and 2.0.0). An
event is an insert and stays, so whatever such a loss takes from a table can be computed again.
"""

from __future__ import annotations

from collections.abc import Sequence

from . import audit
from .lease import Cursor, run
from .projection import BATCH, project

# Runs whose row counts more events than there are: only the row shows that events are missing.
CUT_SHORT = """
SELECT run_id FROM runs JOIN (SELECT run_id, max(seq) AS seq FROM events GROUP BY run_id) AS last USING (run_id)
WHERE runs.events > last.seq
"""
FILL_BATCH = "INSERT INTO batch SELECT run_id, seq, hash, body FROM events WHERE run_id IN (SELECT unnest($ids))"


def mendable(cursor: Cursor, run_id: str | None = None) -> list[str]:
    """The runs whose rows differ from their events, where the events are all there and as they were written."""
    value = {"run": run_id}
    broken = {name for name, *_ in [*run(cursor, audit.CHAIN, value), *run(cursor, audit.COLUMNS, value)]}
    broken |= {name for (name,) in run(cursor, CUT_SHORT)}
    return sorted({finding.run_id for finding in audit.rows(cursor, run_id)} - broken)


def mend(cursor: Cursor, run_ids: Sequence[str]) -> None:
    """Rewrite the rows of these runs, inside the caller's transaction."""
    ids = {"ids": list(run_ids)}
    run(cursor, BATCH)
    run(cursor, FILL_BATCH, ids)
    for table in (*audit.COMPUTED, "events"):
        run(cursor, f"DELETE FROM {table} WHERE run_id IN (SELECT unnest($ids))", ids)  # noqa: S608 - our own names
    project(cursor)
