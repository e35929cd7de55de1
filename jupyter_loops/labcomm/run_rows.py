"""A run as one row of a list: plain JSON, the same for a run that goes on and for one of the history."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from jupyter_loops.core.redaction import redact
from jupyter_loops.core.state import State
from jupyter_loops.view.clip import line

if TYPE_CHECKING:
    from jupyter_loops.history import History
    from jupyter_loops.run import Run

POINTS = 40  # of a sparkline
NAME = 80  # characters
Row = dict[str, Any]


def here() -> str:
    """The name of this kernel, as in `runs.kernel`."""
    return f"{os.getpid()}@{platform.node()}"


def live_row(run: Run) -> Row:
    """The row of a run of this kernel, as it stands now."""
    usage, budget, state = run.usage, run.budget, run.cycle.state
    best, approval = state.best, run.waiting
    over = run.future.done()
    scored = bool(run.recipe.scores)
    rounds = list(state.rounds)
    return {
        "run": run.id,
        "name": line(run.name, NAME),
        "notebook": run.place.notebook,
        "cell": run.place.cell,
        "kernel": here(),
        "live": not over,
        "state": str(State.END if over else run.state),
        "paused": run.cycle.context.control.paused and not over,
        "waiting": None if approval is None or over else line(approval.check, 200),
        "round": max(run.cycle.context.iteration, len(rounds)),
        "rounds": budget.iterations,
        "passed": best.passed() if best else None,
        "total": len(run.recipe.checks),
        "score": state.best_score(run.recipe) if scored else None,
        "spark": _points(state.scores(run.recipe) if scored else [summary.progress for summary in rounds]),
        "usd": usage.usd,
        "tokens": usage.tokens,
        "seconds": usage.seconds,
        "usd_limit": budget.usd,
        "model": line(run.cycle.model.name, NAME),
        "end": _end(run) if over else None,
        "message": line(redact(_message(run)), 300) if over else "",
        "accepted": run.accepted,
        "parent": run.parent,
        "relation": run.relation,
        "started": run.started_at.isoformat(),
        "source": hashlib.sha256(redact(run.recipe.source).encode("utf-8", "surrogatepass")).hexdigest(),
    }


def _end(run: Run) -> str:
    return str(run.termination.reason) if run.termination else "error" if run.error else "stopped"


def _message(run: Run) -> str:
    if run.termination:
        return run.termination.message
    return str(run.error or run.never_began())


def _points(values: Iterable[float | None]) -> list[float]:
    points = [value for value in values if value is not None]
    step = max((len(points) + POINTS - 1) // POINTS, 1)
    return [float(value) for value in points[::-step][::-1]]


_FILTER = """
FROM run_summary AS s JOIN runs AS r USING (run_id)
WHERE s.relation IS DISTINCT FROM 'nested'
  AND ($words = '' OR contains(lower(concat_ws(' ', s.loop, s.run_id, s.model, s.goal, s.stop_reason)), $words))
  AND ($end = '' OR coalesce(s.stop_reason::VARCHAR, 'open') = $end)
"""
STORED = f"""
WITH page AS (
    SELECT s.*, r.kernel, r.source_sha, r.budget_iterations, r.budget_usd, len(r.checks->'$[*]') AS total {_FILTER}
    ORDER BY s.started_at DESC, s.run_id DESC LIMIT $limit OFFSET $offset
), places AS (
    SELECT run_id, body->>'$.notebook' AS notebook, body->>'$.cell' AS cell FROM events
    WHERE seq = 1 AND run_id IN (SELECT run_id FROM page)
), rounds AS (
    SELECT run_id, list(coalesce(score, progress) ORDER BY iteration) AS spark FROM iterations
    WHERE run_id IN (SELECT run_id FROM page) GROUP BY run_id
)
SELECT page.*, i.passed, i.score, spark, notebook, cell
FROM page LEFT JOIN places USING (run_id) LEFT JOIN rounds USING (run_id)
     LEFT JOIN iterations AS i ON i.run_id = page.run_id AND i.iteration = page.best_iteration
ORDER BY page.started_at DESC, page.run_id DESC
"""  # noqa: S608  # nothing of a person's is in it
COUNT = f"SELECT count(*) {_FILTER}"  # as above


def stored_rows(history: History, *, words: str, end: str, limit: int, offset: int) -> tuple[list[Row], int, str]:
    """Rows of the history, newest first; how many there are in all; a note about their source. Raises HistoryError.

    `words` is looked for in name, id, model, goal and end; `end` is a stop reason, "open" for runs without one.
    """
    chosen = {"words": words.lower(), "end": end}
    result = history.sql(STORED, {**chosen, "limit": limit, "offset": offset})
    rows = [_stored(row) for row in result.dicts()]
    ((count,),) = history.sql(COUNT, chosen).fetchall()
    return rows, count, result.note


def _stored(row: Mapping[str, Any]) -> Row:
    status = str(row["status"])
    end = row["stop_reason"] or ("kernel ended" if status.startswith("kernel ended") else None)
    started: datetime = row["started_at"]
    return {
        "run": row["run_id"],
        "name": line(row["loop"] or "", NAME),
        "notebook": line(row["notebook"] or "", 200),
        "cell": line(row["cell"] or "", 64),
        "kernel": row["kernel"] or "",
        "live": end is None,
        "state": str(row["state"] or "end"),
        "paused": False,
        "waiting": None,
        "round": row["iterations"] or 0,
        "rounds": row["budget_iterations"],
        "passed": row["passed"],
        "total": row["total"] or 0,
        "score": row["score"],
        "spark": _points(row["spark"] or []),
        "usd": row["usd"] or 0.0,
        "tokens": row["tokens"] or 0,
        "seconds": row["seconds"] or 0.0,
        "usd_limit": row["budget_usd"],
        "model": line(row["model"] or "", NAME),
        "end": end,
        "message": line(row["message"] or "", 300),
        "accepted": row["stop_reason"] == "verified",
        "parent": row["parent"],
        "relation": row["relation"] or "",
        "started": started.replace(tzinfo=UTC).isoformat(),
        "source": row["source_sha"] or "",
    }
