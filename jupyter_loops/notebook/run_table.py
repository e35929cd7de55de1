"""The runs of this kernel and of the history, as the magics name and list them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

from jupyter_loops.errors import HistoryError
from jupyter_loops.view.table import Table

if TYPE_CHECKING:
    from jupyter_loops.history import History
    from jupyter_loops.run import Run
    from jupyter_loops.view.live_view import LiveView

_HEADER = ("loop", "status", "rounds", "tokens", "usd", "seconds", "model", "started (UTC)", "run")
_NEWEST = """
SELECT loop, status, iterations, total_tokens, total_usd, seconds, model, strftime(started_at, '%Y-%m-%d %H:%M'), run_id
FROM run_summary ORDER BY started_at DESC, run_id DESC LIMIT $limit
"""
_SHOWN = 12


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


def recent(path: str | None) -> Table:
    """The runs that go on, then the newest of the history."""
    going = [_row(run) for run in _runs() if not run.future.done()]
    here = {row[-1] for row in going}
    try:
        stored, note = _stored(path)
        history_rows = [row for row in stored if row[-1] not in here]
    except HistoryError as error:
        history_rows, note = [], f"the history cannot be read: {error}"
    rows = [*reversed(going), *history_rows]
    return Table(_HEADER, rows, note or ("" if rows else "no runs yet"))


def _runs() -> list[Run]:
    if "jupyter_loops.runs" not in sys.modules:
        return []
    from jupyter_loops.runs import registered

    return registered()


def _row(run: Run) -> tuple[str, ...]:
    usage = run.usage
    spent = (usage.iterations, usage.tokens, usage.usd, usage.seconds)
    return _cells(run.name, f"running: {run.state}", *spent, run.cycle.model.name, "now", run.id)


def _stored(path: str | None) -> tuple[list[tuple[str, ...]], str]:
    """The newest runs of the history, and a note about their source."""
    from jupyter_loops.history import open_history

    result = open_history(path).sql(_NEWEST, {"limit": _SHOWN})
    return [_cells(*row) for row in result], result.note


def _cells(*values: Any) -> tuple[str, ...]:
    loop, status, rounds, tokens, usd, seconds, *tail = values
    numbers = (f"{rounds or 0}", f"{tokens or 0:,}", f"${usd or 0:.4f}", f"{seconds or 0:.1f}")
    return (str(loop), str(status), *numbers, *map(str, tail))
