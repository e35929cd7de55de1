"""Schema v3: the chain of runs: each leaves a row when it is first stored, when it ends, and when it is pruned.

The events of one run prove each other, but not that no whole run was deleted. A row here covers the row before it, and
is written in the same transaction as the run's change. missing.py finds a run without its rows, and rows without their
run. Whoever can write the file can also compute a new chain; signing.py detects that.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from .lease import Cursor, run

# What a row's hash covers, besides the hash before it.
LINK = "json_array(number, run_id, events, tip, what, epoch_us(noted_at))::VARCHAR"
APPEND = f"""
INSERT INTO heads (number, run_id, events, tip, what, noted_at, hash)
WITH RECURSIVE chained AS (
    SELECT 0 AS place, coalesce(max(number), 0) AS number, NULL::VARCHAR AS run_id, NULL::INTEGER AS events,
           NULL::VARCHAR AS tip, NULL::VARCHAR AS what, NULL::TIMESTAMP AS noted_at,
           coalesce(arg_max(hash, number), '') AS hash
    FROM heads
    UNION ALL
    SELECT place, number, run_id, events, tip, what, noted_at, sha256(before || {LINK})
    FROM (
        SELECT new.place, chained.number + 1 AS number, new.run_id, new.events, new.tip, new.what,
               now()::TIMESTAMP AS noted_at, chained.hash AS before
        FROM chained JOIN new_heads AS new ON new.place = chained.place + 1
    )
)
SELECT number, run_id, events, tip, what, noted_at, hash FROM chained WHERE place > 0
"""  # noqa: S608 - constants
NEW = """
CREATE OR REPLACE TEMP TABLE new_heads AS
SELECT (row_number() OVER (ORDER BY run_id))::INTEGER AS place, run_id, events, tip, {what} AS what FROM {runs}
"""
# Of the runs in `fresh`: those that came or came back, and those that have another end now.
STORED = NEW.format(
    what="CASE WHEN ended_at IS NULL THEN 'began' ELSE 'ended' END",
    runs="""(
    SELECT runs.* FROM runs SEMI JOIN fresh USING (run_id) LEFT JOIN (
        SELECT run_id, arg_max(what, number) AS what, arg_max(tip, number) AS tip
        FROM heads SEMI JOIN fresh USING (run_id) GROUP BY run_id
    ) AS last USING (run_id)
    WHERE last.what IS NULL OR last.what IN ('pruned', 'lost')
       OR (runs.ended_at IS NOT NULL AND last.tip IS DISTINCT FROM runs.tip)
)""",
)
# A server prepares no CREATE, so the values go into a table first.
MARKS = "CREATE OR REPLACE TEMP TABLE marks (run_id VARCHAR, what VARCHAR)"
MARK = "INSERT INTO marks SELECT unnest($ids::VARCHAR[]), $what"
MARKED = NEW.format(what="(SELECT any_value(what) FROM marks)", runs="runs WHERE run_id IN (SELECT run_id FROM marks)")
EXISTING = NEW.format(what="'found'", runs="runs")

HEADS = f"""
-- The chain of runs, which tells a run that was deleted from one that never was. Not computed from events.
-- Example: SELECT number, run_id, what, noted_at FROM heads ORDER BY number DESC LIMIT 10
CREATE TABLE heads (
    number   BIGINT PRIMARY KEY,  -- counts from 1 in the history
    run_id   VARCHAR,             -- of runs, unless it was pruned
    events   INTEGER,             -- number of the run's last event then
    tip      VARCHAR,             -- hash of that event
    what     VARCHAR,             -- found (older than this chain), began, ended, forgotten, pruned, lost (to a repair)
    noted_at TIMESTAMP,           -- UTC
    hash     VARCHAR              -- SHA-256(hash of number - 1 || JSON of the columns before), hexadecimal
);

-- Signatures of the chain of runs, made with a key that is not in the file. Not computed from events.
-- Example: SELECT number, key, signed_at FROM signatures ORDER BY number DESC LIMIT 1
CREATE TABLE signatures (
    number    BIGINT,    -- of heads: it and all that are before it
    key       VARCHAR,   -- the public half, Ed25519, hexadecimal
    signature VARCHAR,   -- of the head's number and hash, hexadecimal
    signed_at TIMESTAMP  -- UTC
);
{EXISTING};
{APPEND};
"""  # noqa: S608 - constants

SINCE = "SELECT noted_at FROM heads WHERE number = 1 OR what = 'lost' ORDER BY number DESC LIMIT 1"


def append(cursor: Cursor) -> None:
    """A row for each run in `fresh` that began, ended or came back, inside the caller's transaction."""
    run(cursor, STORED)
    run(cursor, APPEND)


def mark(cursor: Cursor, run_ids: Iterable[str], what: str) -> None:
    """A row for each of these runs, which are still there."""
    run(cursor, MARKS)
    run(cursor, MARK, {"ids": list(run_ids), "what": what})
    run(cursor, MARKED)
    run(cursor, APPEND)


def since(cursor: Cursor) -> datetime | None:
    """Since when (UTC) a deleted run is detected; None where there never was a run."""
    rows = run(cursor, SINCE)
    return rows[0][0] if rows else None
