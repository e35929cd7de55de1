"""Charts of a run and of the history: numbers first, figure second, one file a chart.

A new chart is a file with `numbers` and `figure`, and a line below. A chart of the history has a `QUERY` too; `$word`
is a part of the loops' names, or of the models'.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from . import (
    checks_chart,
    compare_chart,
    cost_chart,
    curves_chart,
    days_chart,
    latency_chart,
    lineage_chart,
    parts_chart,
    progress_chart,
    stops_chart,
    timeline_chart,
)

if TYPE_CHECKING:
    from jupyter_loops.history import History

    from .chart import Chart

Rows = Sequence[Mapping[str, Any]]


class ChartKind(NamedTuple):
    """One chart: its module, the rows of a run that it draws, and what it shows."""

    module: ModuleType
    rows: str  # iterations, calls, verdicts or family; empty for a chart of the history
    shows: str


KINDS = {
    "cost": ChartKind(cost_chart, "iterations", "US dollars and tokens, a round and in all"),
    "latency": ChartKind(latency_chart, "calls", "seconds of each model call, and to its first token"),
    "progress": ChartKind(progress_chart, "iterations", "how near each round came to the goal, and the best so far"),
    "timeline": ChartKind(timeline_chart, "iterations", "where the time of each round went"),
    "checks": ChartKind(checks_chart, "verdicts", "which check passed in which round"),
    "parts": ChartKind(parts_chart, "calls", "the tokens of each prompt, by part"),
    "lineage": ChartKind(lineage_chart, "family", "the runs that it was forked from, and that were forked from it"),
    "compare": ChartKind(compare_chart, "", "success against cost, a point for each loop and model"),
    "curves": ChartKind(curves_chart, "", "the best so far by round, a line a run"),
    "stops": ChartKind(stops_chart, "", "why runs end"),
    "days": ChartKind(days_chart, "", "cost by day and model, beside the cap of a day"),
}


class Charts:
    """Figures of one run: a method for each kind that has rows. `rows` is called with the name of these rows.

    Iterations have the keys iteration, usd, tokens, seconds, progress, score, best, passed, total, why, phases;
    calls have call, iteration, seconds, first_token_seconds, model, parts; verdicts have check_name, iteration, passed,
    hidden, message. All are oldest first; a missing value is None.
    """

    def __init__(self, rows: Callable[[str], Rows], name: str = "") -> None:
        self._rows, self._name = rows, name

    @classmethod
    def of_run(cls, history: History, run_id: str, name: str) -> Charts:
        """Those of a run of the history, whether it goes on or not."""
        rows = {
            "iterations": history.rounds,
            "calls": history.calls,
            "verdicts": history.verdicts,
            "family": history.family,
        }
        return cls(lambda kind: rows[kind](run_id), name)

    def __dir__(self) -> list[str]:
        """The kinds, for completion."""
        return [*super().__dir__(), *(kind for kind, chart in KINDS.items() if chart.rows)]

    def __getattr__(self, kind: str) -> Callable[[], Chart]:
        """The method that draws this kind of chart. Raises AttributeError for another name."""
        chart = KINDS.get(kind)
        if chart is None or not chart.rows:
            raise AttributeError(
                f"there is no chart {kind!r}; there are {', '.join(k for k, c in KINDS.items() if c.rows)}"
            )
        return lambda: _drawn(chart, self._rows(chart.rows), self._name)

    def all(self) -> dict[str, Chart]:
        """Every chart that draws the run's own rounds and calls, by its kind."""
        return {kind: getattr(self, kind)() for kind, chart in KINDS.items() if chart.rows in {"iterations", "calls"}}


def of_history(kind: str, ask: Callable[[str, dict[str, object]], Rows], word: str, daily_usd: float | None) -> Chart:
    """A chart of all runs with `word` in their names; `ask` is called with a query and its parameters."""
    chart = KINDS[kind]
    available = {"word": word, "daily_usd": daily_usd}
    query: str = chart.module.QUERY
    return _drawn(chart, ask(query, {name: value for name, value in available.items() if f"${name}" in query}), word)


def _drawn(chart: ChartKind, rows: Rows, name: str) -> Chart:
    from .figure_frame import label

    drawn: Chart = chart.module.figure(chart.module.numbers(rows))
    if name:
        drawn.update_layout(title_text=f"{drawn.layout.title.text} · {label(name)}")
    return drawn
