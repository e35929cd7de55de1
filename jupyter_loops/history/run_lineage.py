"""Where runs come from: which were interrupted and can be resumed, and which run was forked from which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

BROKEN_OFF = """
SELECT run_id, stop_reason::VARCHAR AS stop_reason, fingerprint, journal, current_iteration, usd, tokens, text AS source
FROM runs LEFT JOIN texts ON sha = source_sha
WHERE loop = $loop AND coalesce(relation, '') <> 'replay' ORDER BY started_at DESC, run_id DESC LIMIT 1
"""
SPOKE = """
SELECT max(updated_at) FROM runs WHERE journal = $journal AND kernel NOT LIKE $here HAVING max(updated_at) IS NOT NULL
"""
FAMILY = """
WITH RECURSIVE up AS (
    SELECT run_id, parent FROM runs WHERE run_id = $run
    UNION SELECT r.run_id, r.parent FROM runs AS r JOIN up ON r.run_id = up.parent
),
down AS (
    SELECT run_id FROM up
    UNION SELECT r.run_id FROM runs AS r JOIN down ON r.parent = down.run_id
)
SELECT run_id, parent, relation, forked_at, loop, model, stop_reason::VARCHAR AS stop_reason, state::VARCHAR AS state,
       iterations, best_iteration, usd, tokens, seconds, resumed, started_at,
       (SELECT max(progress) FROM iterations AS i WHERE i.run_id = runs.run_id) AS progress
FROM runs SEMI JOIN down USING (run_id) ORDER BY started_at, run_id
"""


@dataclass(frozen=True, slots=True)
class BrokenOff:
    """A run that did not come to its end."""

    run_id: str
    iteration: int | None
    usd: float
    tokens: int

    @property
    def offer(self) -> str:
        """One line for a person who runs its cell again."""
        where = f"in round {self.iteration}" if self.iteration else "before its first round"
        spent = f"{self.tokens:,} tokens, ${self.usd:.4g}"
        return f"run {self.run_id} of this cell was interrupted {where} ({spent} spent): --resume goes on with it"


def upto(records: Sequence[dict[str, Any]], iteration: int) -> list[dict[str, Any]]:
    """The events of a run up to the end of a round."""
    ends = [
        n
        for n, record in enumerate(records, 1)
        if record["kind"] == "iteration_finished" and record["iteration"] <= iteration
    ]
    return list(records[: ends[-1]]) if ends else []
