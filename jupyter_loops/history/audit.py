"""Proves that nothing in the history was edited, deleted, inserted or moved after it was written.

Each event's hash covers its body and the hash before it, so an edit breaks the chain at its place. The run's row
holds the number and the hash of its last event, so a truncated chain shows too. Texts are named by their hash. The
other tables are computed again from the events and compared. missing.py finds runs that were deleted. Whoever can
write the file can also compute a new chain; signing.py detects that.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from .event_kinds import CURRENT
from .lease import Cursor, run
from .projection import BATCH, project
from .retention import USES
from .steps import STEPS


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """One thing that is not as it was written; `seq` is the first event it shows at."""

    run_id: str
    seq: int | None
    what: str

    def __str__(self) -> str:
        place = "" if self.seq is None else f", event {self.seq}"
        return f"run {self.run_id}{place}: {self.what}"


CHAIN = """
SELECT run_id, seq, body, position FROM (
    SELECT run_id, seq, hash, body, lag(hash, 1, '') OVER by_seq AS before, row_number() OVER by_seq AS position
    FROM events WHERE $run IS NULL OR run_id = $run WINDOW by_seq AS (PARTITION BY run_id ORDER BY seq, hash)
)
WHERE hash IS DISTINCT FROM system.main.sha256(before || body) OR seq <> position
QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY position) = 1 ORDER BY run_id
"""
# A missing event breaks the chain at the next one, although that one may be unchanged.
ALTERED = """
SELECT DISTINCT run_id FROM (
    SELECT run_id, seq, hash, body, lag(hash, 1, '') OVER by_seq AS before, lag(seq, 1, 0) OVER by_seq AS last
    FROM events WINDOW by_seq AS (PARTITION BY run_id ORDER BY seq, hash)
) WHERE seq <= last OR (seq = last + 1 AND hash IS DISTINCT FROM system.main.sha256(before || body))
"""
GAPS = """
SELECT run_id, last + 1, seq - 1 FROM (
    SELECT run_id, seq, lag(seq, 1, 0) OVER (PARTITION BY run_id ORDER BY seq) AS last FROM events
    WHERE $run IS NULL OR run_id = $run
) WHERE seq > last + 1 ORDER BY ALL
"""
ENDS = """
SELECT run_id, recorded.events, last.seq
FROM (FROM runs WHERE $run IS NULL OR run_id = $run) AS recorded
FULL JOIN (
    SELECT run_id, max(seq) AS seq, arg_max(hash, seq) AS hash FROM events
    WHERE $run IS NULL OR run_id = $run GROUP BY run_id
) AS last USING (run_id)
WHERE recorded.events IS DISTINCT FROM last.seq OR recorded.tip IS DISTINCT FROM last.hash ORDER BY ALL
"""
COLUMNS = f"""
SELECT run_id, min(seq) FROM events
WHERE ($run IS NULL OR run_id = $run) AND (
    run_id IS DISTINCT FROM body->>'$.run' OR kind IS DISTINCT FROM {CURRENT.format(kind="(body->>'$.kind')")}
    OR seq IS DISTINCT FROM TRY_CAST(body->>'$.seq' AS INTEGER)
    OR happened_at IS DISTINCT FROM TRY_CAST(body->>'$.at' AS TIMESTAMP)
) GROUP BY run_id ORDER BY run_id
"""  # noqa: S608 - constants
TEXTS = "SELECT sha FROM texts WHERE text IS NOT NULL AND system.main.sha256(text) <> sha ORDER BY sha"
# A text that was forgotten is there still, and empty.
LACKING = f"""
SELECT uses.run_id, uses.sha FROM ({USES}) AS uses ANTI JOIN texts USING (sha)
WHERE uses.sha IS NOT NULL AND ($run IS NULL OR uses.run_id = $run) GROUP BY ALL ORDER BY ALL
"""  # noqa: S608 - constants
EVENTS = """
INSERT INTO batch SELECT run_id, seq, hash, body FROM {database}.events WHERE $run IS NULL OR run_id = $run
"""
COMPUTED_COLUMNS = """
SELECT column_name FROM duckdb_columns() WHERE database_name = 'computed' AND table_name = $table_name
ORDER BY column_index
"""
DIFFERENCE = """
WITH stored AS (SELECT {columns} FROM (SELECT {names} FROM {database}.{table}) WHERE $run IS NULL OR run_id = $run),
     expected AS (SELECT {columns} FROM computed.{table})
SELECT DISTINCT run_id FROM (
    (FROM stored EXCEPT ALL FROM expected) UNION ALL (FROM expected EXCEPT ALL FROM stored)
) ORDER BY ALL
"""
# A sum of floats depends on how it was grouped.
COMPARED = {"runs": "* REPLACE (round(usd, 9) AS usd, round(seconds, 6) AS seconds)"}
COMPUTED = ("runs", "iterations", "calls", "tool_calls", "actions", "verdicts", "decisions", "breakers", "notes")


def chains(cursor: Cursor, run_id: str | None = None) -> list[AuditFinding]:
    """The first event of each run that is not as it was written, and the runs that were cut short."""
    value = {"run": run_id}
    findings = [_broken(cursor, *row) for row in run(cursor, CHAIN, value)]
    reported = {finding.run_id for finding in findings}
    for name, recorded, last in run(cursor, ENDS, value):
        if name not in reported:
            what = f"its row says {recorded or 0} events and {last or 0} are there, or the last was replaced"
            findings.append(AuditFinding(name, last, what))
    reported = {finding.run_id for finding in findings}
    findings += [
        AuditFinding(name, seq, "its columns differ from its body")
        for name, seq in run(cursor, COLUMNS, value)
        if name not in reported
    ]
    return findings


def gaps(cursor: Cursor, run_id: str | None = None) -> list[tuple[str, int, int]]:
    """Run, first and last number of the events that are missing, wherever others follow."""
    return [(name, first, last) for name, first, last in run(cursor, GAPS, {"run": run_id})]


def altered(cursor: Cursor) -> list[AuditFinding]:
    """What `chains` finds, but for runs that only lack events."""
    edited = {name for (name,) in run(cursor, ALTERED)}
    lacking = {name for name, _, _ in gaps(cursor)} - edited
    return [finding for finding in chains(cursor) if finding.run_id not in lacking]


def describe_gap(run_id: str, first: int, last: int) -> str:
    """A gap in words."""
    what = f"event {first} is" if first == last else f"events {first} to {last} are"
    return f"{what} missing from run {run_id}; the others are as they were written"


def _broken(cursor: Cursor, run_id: str, seq: int, body: str, position: int) -> AuditFinding:
    """Name the kind of tampering, from what is left of the original."""
    if seq > position:
        return AuditFinding(run_id, position, "deleted, one or more events are missing from here")
    twice = run(cursor, "SELECT count(*) FROM events WHERE run_id = $run AND seq = $seq", {"run": run_id, "seq": seq})
    if seq < position or twice[0][0] > 1:
        return AuditFinding(run_id, seq, "inserted, there is more than one event with this number")
    if _number(body) not in {None, seq}:
        return AuditFinding(run_id, seq, f"reordered, it was event {_number(body)} when it was written")
    return AuditFinding(run_id, seq, "edited, or another event was put in its place")


def _number(body: str) -> Any:
    try:
        return json.loads(body).get("seq")
    except (ValueError, AttributeError):
        return None


def texts(cursor: Cursor) -> list[AuditFinding]:
    """Texts that do not match their hash; forgotten texts are left out."""
    return [AuditFinding("any", None, f"text {sha} was edited") for (sha,) in run(cursor, TEXTS)]


def lacking(cursor: Cursor, run_id: str | None = None) -> list[AuditFinding]:
    """Texts that a row refers to and that are gone, though nobody has forgotten them."""
    return [
        AuditFinding(name, None, f"its text {sha} was deleted, and nobody forgot it")
        for name, sha in run(cursor, LACKING, {"run": run_id})
    ]


def _difference(cursor: Cursor, database: str, table: str) -> str:
    """The query of the runs whose rows differ, over the columns of the schema: a person may have added others."""
    columns = ", ".join(f'"{name}"' for (name,) in run(cursor, COMPUTED_COLUMNS, {"table_name": table}))
    return DIFFERENCE.format(database=database, table=table, columns=COMPARED.get(table, "*"), names=columns)


def rows(cursor: Cursor, run_id: str | None = None) -> list[AuditFinding]:
    """Rows that do not follow from the events: all tables are computed again in memory, and compared."""
    value = {"run": run_id}
    ((database,),) = run(cursor, "SELECT '\"' || current_database() || '\"'")
    run(cursor, "ATTACH ':memory:' AS computed")
    try:
        run(cursor, "USE computed")
        for step in STEPS:
            for statement in cursor.extract_statements(step):
                cursor.execute(statement).fetchall()
        run(cursor, BATCH)
        run(cursor, EVENTS.format(database=database), value)
        project(cursor)
        return [
            AuditFinding(name, None, f"its rows in {table} differ from what its events say")
            for table in COMPUTED
            for (name,) in run(cursor, _difference(cursor, database, table), value)
        ]
    finally:
        run(cursor, f"USE {database}")
        run(cursor, "DETACH computed")
