"""Why runs end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_loops.view.palette import FAIL, PASS, WAIT

from .figure_frame import frame, label

if TYPE_CHECKING:
    from .chart import Chart

QUERY = """
SELECT stop_reason::VARCHAR AS reason, count(*) AS runs, avg(iterations) AS rounds FROM runs
WHERE stop_reason IS NOT NULL AND contains(lower(loop), lower($word)) GROUP BY ALL ORDER BY runs DESC, reason
"""
_COLOURS = {"verified": PASS, "error": FAIL, "refused": FAIL, "breaker_open": FAIL}


class StopCounts(NamedTuple):
    """One entry a stop reason, the most frequent first."""

    reason: list[str]
    runs: list[int]
    rounds: list[float]  # on average


def numbers(rows: Sequence[Mapping[str, Any]]) -> StopCounts:
    """As the query gives them."""
    return StopCounts(
        reason=[str(row["reason"]) for row in rows],
        runs=[int(row["runs"]) for row in rows],
        rounds=[float(row["rounds"] or 0) for row in rows],
    )


def figure(counts: StopCounts) -> Chart:
    """A bar a reason, with its number of runs and its share."""
    total = sum(counts.runs) or 1
    drawn = frame("How runs end", x="runs", y="", showlegend=False, height=130 + 30 * max(len(counts.reason), 1))
    drawn.update_yaxes(autorange="reversed", rangemode="normal", tickformat=None, showgrid=False)
    drawn.update_xaxes(rangemode="tozero", range=[0, max(counts.runs, default=1) * 1.18])
    drawn.add_bar(
        orientation="h",
        y=[label(reason.replace("_", " ")) for reason in counts.reason],
        x=counts.runs,
        marker={"color": [_COLOURS.get(reason, WAIT) for reason in counts.reason]},
        text=[f"{runs:,} · {runs / total:.0%}" for runs in counts.runs],
        textposition="outside",
        cliponaxis=False,
        customdata=counts.rounds,
        hovertemplate="%{y}: %{x:,} runs, %{customdata:.1f} rounds on average<extra></extra>",
    )
    return drawn.of(counts)
