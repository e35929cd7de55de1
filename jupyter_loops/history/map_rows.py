"""What the history knows of the rows of a map, told apart by their content."""

from __future__ import annotations

from dataclasses import dataclass

# The newest verified run of each question, or else the newest run.
KNOWN = """
SELECT fingerprint, runs.run_id AS run_id, stop_reason::VARCHAR AS stop_reason, message, journal, model,
       candidate_kind AS kind, text
FROM runs LEFT JOIN iterations
    ON iterations.run_id = runs.run_id AND iterations.iteration = runs.best_iteration AND stop_reason = 'verified'
LEFT JOIN texts ON sha = candidate_sha
WHERE fingerprint IN (SELECT unnest($fingerprints::VARCHAR[])) AND coalesce(relation, '') <> 'replay'
QUALIFY row_number() OVER (
    PARTITION BY fingerprint
    ORDER BY (stop_reason = 'verified' AND text IS NOT NULL) DESC NULLS LAST, runs.started_at DESC, runs.run_id DESC
) = 1
"""
ANY = "SELECT count(*) > 0 FROM runs WHERE relation = 'nested' AND starts_with(loop, $prefix)"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRow:
    """An earlier run of an equal row."""

    fingerprint: str
    run_id: str
    stop_reason: str | None  # None: it broke off, or goes on
    message: str | None
    journal: str | None
    model: str | None
    kind: str | None  # of the verified candidate; None where there is none
    text: str | None


def label(loop: str, position: int) -> str:
    """The name of a row's run: no loop can be called so."""
    return f"{loop}[{position}]"
