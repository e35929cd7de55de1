"""The runs of this kernel and of the history, as the magics name and list them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC
from itertools import zip_longest
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

from jupyter_loops.errors import HistoryError
from jupyter_loops.view.table import Table

from . import maps_here

if TYPE_CHECKING:
    from jupyter_loops.history import History
    from jupyter_loops.run import Run
    from jupyter_loops.run_groups import RunGroup
    from jupyter_loops.view.live_view import LiveView

ORDERS = {
    "started": "started_at",
    "usd": "total_usd",
    "tokens": "total_tokens",
    "seconds": "seconds",
    "rounds": "iterations",
}
SHOWN = 12  # runs, unless a line asks for more
_HEADER = ("loop", "status", "rounds", "best", "trend", "tokens", "usd", "seconds", "model", "started", "run")
_FOUND = """
FROM run_summary
WHERE contains(lower(concat_ws(' ', loop, status, model, goal, run_id)), lower($word))
  AND (NOT ends_with(loop, ']') OR contains($word, '['))  -- rows of a map
"""
_NEWEST = f"""  -- the order is one of ORDERS
WITH shown AS (SELECT * {_FOUND} ORDER BY {{order}} DESC NULLS LAST, run_id DESC LIMIT $limit)
SELECT loop, status, coalesce(row_rounds, iterations), score, coalesce(verified, passed), coalesce(row_count, total),
       (SELECT list(coalesce(score, progress) ORDER BY iteration) FROM iterations AS i
        WHERE i.run_id = shown.run_id AND progress IS NOT NULL),
       total_tokens, total_usd, shown.seconds, model, shown.started_at, run_id
FROM shown LEFT JOIN (
    SELECT run_id AS of_run, iteration AS best_iteration, score, passed, total FROM iterations
) AS best ON of_run = run_id AND best.best_iteration = shown.best_iteration
LEFT JOIN (
    SELECT parent AS of_map, count(DISTINCT loop) AS row_count,  -- several models may have worked on one row
           count(DISTINCT loop) FILTER (stop_reason = 'verified' OR i.passed = i.total) AS verified,
           sum(iterations)::BIGINT AS row_rounds
    FROM runs LEFT JOIN iterations AS i ON i.run_id = runs.run_id AND i.iteration = best_iteration
    WHERE relation = 'nested' AND ends_with(loop, ']') GROUP BY parent
) AS map ON of_map = shown.run_id
ORDER BY {{order}} DESC NULLS LAST, run_id DESC
"""  # noqa: S608 - of our own words alone
_BARS = "▁▂▃▄▅▆▇█"
_TREND = 12  # newest rounds that the trend shows


def find(name: str) -> Run | None:
    """The run of this kernel with this id or beginning of an id, or the newest of this name."""
    if "jupyter_loops.runs" not in sys.modules:
        return None
    from jupyter_loops.runs import find as find_run

    return find_run(normalize("NFKC", name))


def live_view(run_id: str) -> LiveView | None:
    """The view of a run that goes on in this kernel."""
    from jupyter_loops.view import live_view

    run = find(run_id)
    return live_view.find(run_id) or (None if run is None or run.future.done() else run.view)


def show(history: History, run_id: str) -> None:
    """Display a stored run."""
    from jupyter_loops.run import show as show_run

    show_run(history, run_id)


def names() -> list[str]:
    """Names for this kernel's runs, the oldest first: the loop's name, or the id where a newer run has that name."""
    return [run.name if find(run.name) is run else run.id for run in _runs()]


def live_names() -> list[str]:
    """Names of the runs that go on, the oldest first."""
    return [run.name for run in _runs() if not run.future.done()]


def newest() -> Run | None:
    """The run that began last."""
    return next(reversed(_runs()), None)


def recent(path: str | None, word: str = "", sort: str = "started", limit: int = SHOWN) -> Table:
    """The runs that go on, then those of the history whose name, status, model, goal or id has `word`."""
    going = [] if word else [_going(run) for run in _runs() if not run.future.done()]
    going += [] if word else [_going_group(run) for run in maps_here.registered() if not run.future.done()]
    here = {row[-1] for row in going}
    try:
        stored, count, note = _stored(path, word, sort, limit)
        history_rows = [row for row in stored if row[-1] not in here]
        note = _remark(count, len(stored), word, note)
    except HistoryError as error:
        history_rows, note = [], f"the history cannot be read: {error}"
    return Table(_HEADER, [*reversed(going), *history_rows], note)


def _remark(count: int, shown: int, word: str, note: str) -> str:
    """How many runs there are beyond those shown, and the history's own note."""
    more = f"{shown:,} of {count:,} runs: %loops list --limit {count} shows all, %loops list WORD searches"
    none = f"no run has {word!r} in its name, status, model, goal or id" if word else "no runs yet"
    return "\n".join(filter(None, [more if count > shown else "" if count else none, note]))


def _runs() -> list[Run]:
    if "jupyter_loops.runs" not in sys.modules:
        return []
    from jupyter_loops.runs import registered

    return registered()


def _going(run: Run) -> tuple[str, ...]:
    usage, state, recipe = run.usage, run.cycle.state, run.cycle.recipe
    scores = state.scores(recipe)
    trend = [summary.progress if score is None else score for summary, score in zip_longest(state.rounds, scores)]
    best, passed = state.best_score(recipe), state.best.passed() if state.best else 0
    spent = (usage.tokens, usage.usd, usage.seconds)
    names = (run.cycle.model.name, None, run.id)
    return _cells(
        run.name, f"running: {run.state}", usage.iterations, best, passed, len(recipe.checks), trend, *spent, *names
    )


def _going_group(group: RunGroup) -> tuple[str, ...]:
    usage, (verified, failed, total) = group.usage, group.counts
    spent = (usage.tokens, usage.usd, usage.seconds, group.model, None, group.id)
    status = f"running: {maps_here.bar(verified, failed, total)}"
    return _cells(group.name, status, usage.iterations, None, verified, verified + failed, [], *spent)


def _stored(path: str | None, word: str, order: str, limit: int) -> tuple[list[tuple[str, ...]], int, str]:
    """Runs of the history, how many there are, and a note about their source."""
    from jupyter_loops.history import open_history

    history = open_history(path)
    ((count,),) = history.sql("SELECT count(*)" + _FOUND, {"word": word}).fetchall()
    result = history.sql(_NEWEST.format(order=ORDERS[order]), {"word": word, "limit": limit})
    return [_cells(*row) for row in result], count, result.note


def _cells(*values: Any) -> tuple[str, ...]:
    loop, status, rounds, score, passed, total, trend, tokens, usd, seconds, model, started, run_id = values
    best = f"{passed or 0}/{total}" if total else ""
    if score is not None and passed == total:
        best = f"{score:.6g}"
    numbers = (f"{tokens or 0:,}", f"${usd or 0:.4f}", f"{seconds or 0:.1f}")
    at = "now" if started is None else started.replace(tzinfo=UTC).astimezone().strftime("%Y-%m-%d %H:%M %Z")
    return (str(loop), str(status), f"{rounds or 0}", best, _bars(trend or []), *numbers, str(model), at, str(run_id))


def _bars(values: Sequence[float]) -> str:
    """A bar a round, as high as its progress, or, where scores leave [0, 1], between the lowest and the highest."""
    low, high = min([0.0, *values]), max([1.0, *values])
    if (low, high) != (0.0, 1.0):
        low, high = min(values), max(values)
    span = (high - low) or 1.0
    return "".join(_BARS[round((value - low) / span * (len(_BARS) - 1))] for value in values[-_TREND:])
