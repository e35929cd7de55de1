"""Which runs and texts are deleted, and which stay."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from . import heads
from .lease import Cursor, run

OF_A_RUN = (
    *("iterations", "calls", "tool_calls", "actions", "verdicts", "decisions", "breakers"),
    *("notes", "events", "lost", "runs"),
)

# Every use of a text, as (run_id, sha).
USES = """
SELECT run_id, source_sha AS sha FROM runs WHERE source_sha IS NOT NULL
UNION ALL SELECT run_id, candidate_sha FROM iterations WHERE candidate_sha IS NOT NULL
UNION ALL SELECT run_id, answer_sha FROM calls WHERE answer_sha IS NOT NULL
UNION ALL SELECT run_id, unnest(messages).sha FROM calls
UNION ALL SELECT run_id, stdout_sha FROM actions WHERE stdout_sha IS NOT NULL
UNION ALL SELECT run_id, stderr_sha FROM actions WHERE stderr_sha IS NOT NULL
UNION ALL SELECT run_id, unnest(figures).sha FROM actions
UNION ALL SELECT run_id, result_sha FROM tool_calls WHERE result_sha IS NOT NULL
"""
SIZES = f"""
WITH uses AS (SELECT DISTINCT * FROM ({USES})),
     written AS (SELECT run_id, sum(strlen(text)) AS bytes FROM uses JOIN texts USING (sha) GROUP BY run_id),
     said AS (SELECT run_id, sum(strlen(body)) AS bytes FROM events GROUP BY run_id)
SELECT run_id, loop, stop_reason, started_at, runs.events, coalesce(written.bytes, 0)::BIGINT AS text_bytes,
       coalesce(said.bytes, 0)::BIGINT AS event_bytes
FROM runs LEFT JOIN written USING (run_id) LEFT JOIN said USING (run_id)
ORDER BY text_bytes + event_bytes DESC, run_id
"""  # noqa: S608 - a constant of this file
ORPHANS = f"DELETE FROM texts WHERE sha NOT IN (SELECT sha FROM ({USES}) WHERE sha IS NOT NULL)"  # noqa: S608
FORGET = f"""
UPDATE texts SET text = NULL WHERE text IS NOT NULL AND sha IN (
    SELECT sha FROM ({USES}) WHERE sha IS NOT NULL GROUP BY sha HAVING bool_and(run_id = $run)
)
"""  # noqa: S608 - a constant of this file
FOREFATHERS = """
WITH RECURSIVE up AS (
    SELECT unnest($ids::VARCHAR[]) AS run_id
    UNION SELECT runs.parent FROM runs JOIN up USING (run_id) WHERE runs.parent IS NOT NULL
)
FROM up
"""


def old(cursor: Cursor, older: timedelta, *, keep_verified: bool) -> list[str]:
    """The runs whose last event is older than that."""
    rows = run(
        cursor,
        """SELECT run_id FROM runs WHERE updated_at < now()::TIMESTAMP - $older
           AND NOT ($keep AND stop_reason IS NOT DISTINCT FROM 'verified') ORDER BY run_id""",
        {"older": older, "keep": keep_verified},
    )
    return [run_id for (run_id,) in rows]


def with_forefathers(cursor: Cursor, run_ids: Iterable[str]) -> set[str]:
    """These runs and all that they come from."""
    return {run_id for (run_id,) in run(cursor, FOREFATHERS, {"ids": list(run_ids)})}


def delete(cursor: Cursor, run_ids: Sequence[str]) -> None:
    """Remove these runs, and the texts that no other run uses."""
    heads.mark(cursor, run_ids, "pruned")
    for table in OF_A_RUN:
        run(cursor, f"DELETE FROM {table} WHERE run_id IN (SELECT unnest($ids))", {"ids": list(run_ids)})  # noqa: S608
    run(cursor, ORPHANS)


def forget(cursor: Cursor, run_id: str) -> int:
    """Empty the texts that only this run uses; gives how many."""
    heads.mark(cursor, [run_id], "forgotten")
    ((count,),) = run(cursor, FORGET, {"run": run_id})
    return int(count)
