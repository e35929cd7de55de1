"""What success costs: one point for each loop and model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_loops.view.palette import LINE, PASS, PLAN

from .figure_frame import frame, label

if TYPE_CHECKING:
    from .chart import Chart

QUERY = """
SELECT regexp_replace(loop, '\\[\\d+\\]$', '') AS loop, run_summary.model, count(*) AS runs,
       avg((total > 0 AND passed = total)::INTEGER) AS success, avg(total_usd) AS usd, avg(total_tokens) AS tokens
FROM run_summary LEFT JOIN iterations
  ON iterations.run_id = run_summary.run_id AND iteration = best_iteration
WHERE stop_reason IS NOT NULL AND contains(lower(loop), lower($word))
  AND run_summary.run_id NOT IN (SELECT parent FROM runs WHERE relation = 'nested' AND ends_with(loop, ']'))
GROUP BY ALL ORDER BY runs DESC, loop LIMIT 60
"""
_NAMED = 12  # points that have room for their names


class SuccessCost(NamedTuple):
    """One entry for each loop and model; a run succeeds when a candidate of it passes all checks."""

    name: list[str]
    runs: list[int]
    success: list[float]  # share of the runs
    usd: list[float]  # US dollars a run, on average
    tokens: list[float]  # a run, on average
    best: list[bool]  # nothing else succeeds as often for less


def numbers(rows: Sequence[Mapping[str, Any]]) -> SuccessCost:
    """The averages, and which of them no other one beats in both respects."""
    priced = any(row["usd"] for row in rows)
    points = [(float(row["success"] or 0), float((row["usd"] if priced else row["tokens"]) or 0)) for row in rows]
    return SuccessCost(
        name=[f"{row['loop']} · {row['model']}" for row in rows],
        runs=[int(row["runs"]) for row in rows],
        success=[success for success, _ in points],
        usd=[float(row["usd"] or 0) for row in rows],
        tokens=[float(row["tokens"] or 0) for row in rows],
        best=[not any(_beats(other, point) for other in points) for point in points],
    )


def _beats(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one != other and one[0] >= other[0] and one[1] <= other[1]


def figure(points: SuccessCost) -> Chart:
    """Success upwards, cost to the right; the line joins what nothing else beats."""
    priced = any(points.usd)
    across, unit = (points.usd, "US dollars a run") if priced else (points.tokens, "tokens a run")
    drawn = frame("Success and cost", x=unit, y="runs that succeed", showlegend=False)
    drawn.update_xaxes(tickformat=None, rangemode="tozero", tickprefix="$" if priced else "")
    drawn.update_yaxes(range=[-0.05, 1.12], tickformat=".0%")
    front = sorted((across[n], points.success[n]) for n, best in enumerate(points.best) if best)
    drawn.add_scatter(
        x=[x for x, _ in front],
        y=[y for _, y in front],
        mode="lines",
        line={"color": LINE, "shape": "hv"},
        hoverinfo="skip",
    )
    few = len(points.name) <= _NAMED
    drawn.add_scatter(
        x=across,
        y=points.success,
        mode="markers+text" if few else "markers",
        text=[label(name) for name in points.name] if few else None,
        textposition="top center",
        marker={
            "size": [min(8 + runs**0.5 * 2, 30) for runs in points.runs],
            "color": [PASS if best else PLAN for best in points.best],
            "opacity": 0.85,
        },
        customdata=[[label(name), runs] for name, runs in zip(points.name, points.runs, strict=True)],
        hovertemplate="%{customdata[0]}<br>%{y:.0%} of %{customdata[1]} runs, %{x:.4~g}<extra></extra>",
    )
    return drawn.of(points)
