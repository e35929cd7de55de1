"""Runs that were deleted or rewritten as a whole, which only the chain of runs shows: see heads.py."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from .audit import AuditFinding
from .heads import LINK
from .lease import Cursor, run

BROKEN = f"""
SELECT number, place FROM (
    SELECT *, lag(hash, 1, '') OVER by_number AS before, row_number() OVER by_number AS place FROM heads
    WINDOW by_number AS (ORDER BY number)
) WHERE number <> place OR hash IS DISTINCT FROM system.main.sha256(before || {LINK})
ORDER BY place LIMIT 1
"""  # noqa: S608 - constants
MISSING = """
SELECT last.run_id, last.what, last.noted_at, there.run_id IS NULL AS gone
FROM (
    SELECT run_id, max(number) AS number, arg_max(what, number) AS what, arg_max(noted_at, number) AS noted_at,
           arg_max(events, number) AS events, arg_max(tip, number) AS tip
    FROM heads WHERE $run IS NULL OR run_id = $run GROUP BY run_id
) AS last
LEFT JOIN (SELECT run_id FROM runs UNION SELECT run_id FROM events) AS there USING (run_id)
LEFT JOIN events AS event ON event.run_id = last.run_id AND event.seq = last.events
WHERE last.what NOT IN ('pruned', 'lost') AND event.hash IS DISTINCT FROM last.tip ORDER BY last.number
"""
UNKNOWN = "SELECT run_id FROM runs ANTI JOIN heads USING (run_id) WHERE $run IS NULL OR run_id = $run ORDER BY ALL"


def findings(cursor: Cursor, run_id: str | None, reported: AbstractSet[str]) -> list[AuditFinding]:
    """Runs that were deleted or rewritten as a whole, without those that were reported already."""
    value, results = {"run": run_id}, [_broken(*row) for row in run(cursor, BROKEN)]
    for name, what, moment, deleted in run(cursor, MISSING, value):
        if name not in reported:
            when = f"it was here ({what}) on {moment:%Y-%m-%d %H:%M} UTC"
            is_now = "the whole run is gone, and nobody pruned it" if deleted else "it was written anew as a whole"
            results.append(AuditFinding(name, None, f"{is_now}: {when}"))
    unknown = [name for (name,) in run(cursor, UNKNOWN, value) if name not in reported]
    return results + [
        AuditFinding(name, None, "it is not in the chain of runs: nobody of us put it here") for name in unknown
    ]


def _broken(number: int, place: int) -> AuditFinding:
    what = f"head {place} is missing" if number != place else f"head {place} was edited"
    return AuditFinding("any", None, f"the chain of runs is broken: {what}")
