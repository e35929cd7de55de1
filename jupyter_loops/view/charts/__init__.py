"""Charts of a run: numbers first, figure second, one file a chart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from . import cost_chart, latency_chart, lineage_chart, progress_chart, timeline_chart

if TYPE_CHECKING:
    from .chart import Chart

Rows = Sequence[Mapping[str, Any]]

KINDS = ("cost", "latency", "progress", "timeline")


class Charts:
    """Figures of one run. `rows` is called with "iterations", "calls" or "family" and gives those, oldest first.

    Iterations have the keys iteration, usd, tokens, seconds, progress, score, best, passed, total, why, phases;
    calls have iteration, seconds, first_token_seconds, model. A missing value is None.
    """

    def __init__(self, rows: Callable[[str], Rows]) -> None:
        self._rows = rows

    def cost(self) -> Chart:
        """US dollars and tokens, a round and in all."""
        return cost_chart.figure(cost_chart.numbers(self._rows("iterations")))

    def latency(self) -> Chart:
        """Seconds of each model call, and to its first token."""
        return latency_chart.figure(latency_chart.numbers(self._rows("calls")))

    def progress(self) -> Chart:
        """How near each round came to the goal, and the best so far."""
        return progress_chart.figure(progress_chart.numbers(self._rows("iterations")))

    def timeline(self) -> Chart:
        """Where the time of each round went."""
        return timeline_chart.figure(timeline_chart.numbers(self._rows("iterations")))

    def lineage(self) -> Chart:
        """The runs that it was forked from, and that were forked from it."""
        return lineage_chart.figure(lineage_chart.numbers(self._rows("family")))

    def all(self) -> dict[str, Chart]:
        """Every chart by its kind."""
        return {kind: getattr(self, kind)() for kind in KINDS}
