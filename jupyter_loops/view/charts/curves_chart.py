"""How runs approach their goal: the best so far, a line a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_loops.view.palette import BEST, PASS, PLAN

from .figure_frame import frame, label, tick_distance

if TYPE_CHECKING:
    from .chart import Chart

QUERY = """
WITH newest AS (
    SELECT run_id, loop FROM runs WHERE contains(lower(loop), lower($word)) AND iterations > 0
    ORDER BY started_at DESC, run_id DESC LIMIT 40
)
SELECT run_id, loop, iteration, progress, score, best FROM iterations JOIN newest USING (run_id)
WHERE progress IS NOT NULL ORDER BY run_id, iteration
"""
_NAMED = 6  # lines that have room for their names


class RunCurves(NamedTuple):
    """One entry a round, the runs one after the other; values are the best so far."""

    run: list[str]
    loop: list[str]
    round: list[int]
    best: list[float]
    scored: bool


def numbers(rows: Sequence[Mapping[str, Any]]) -> RunCurves:
    """Scores where every run has one, shares of passed checks otherwise."""
    runs = {row["run_id"] for row in rows}
    scored = bool(rows) and {row["run_id"] for row in rows if row["score"] is not None} == runs
    reached: dict[str, float] = {}
    points: list[tuple[str, str, int, float]] = []
    for row in rows:
        value = row["score"] if scored else row["progress"]
        if value is not None and (row["best"] or row["run_id"] not in reached):
            reached[row["run_id"]] = float(value)
        if row["run_id"] in reached:
            points.append((row["run_id"], row["loop"], int(row["iteration"]), reached[row["run_id"]]))
    return RunCurves(
        run=[run for run, _, _, _ in points],
        loop=[loop for _, loop, _, _ in points],
        round=[round_ for _, _, round_, _ in points],
        best=[best for _, _, _, best in points],
        scored=scored,
    )


def figure(curves: RunCurves) -> Chart:
    """Thin lines for earlier runs, a strong one for the newest."""
    drawn = frame("Runs on their way", x="round", y="best score" if curves.scored else "best share of the goal")
    drawn.update_layout(showlegend=False)
    drawn.update_xaxes(dtick=tick_distance(curves.round))
    if not curves.scored:
        drawn.update_yaxes(range=[-0.04, 1.06], tickformat=".0%")
        drawn.add_hline(y=1, line={"color": PASS, "dash": "dot"})
    runs = [*dict.fromkeys(curves.run)]
    for place, run in enumerate(runs):
        at = [n for n, name in enumerate(curves.run) if name == run]
        newest, name = place == len(runs) - 1, label(f"{curves.loop[at[0]]} {run}")
        drawn.add_scatter(
            x=[curves.round[n] for n in at],
            y=[curves.best[n] for n in at],
            name=name,
            mode="lines+markers",
            line={"color": PLAN if newest else BEST, "width": 3 if newest else 1, "shape": "hv"},
            marker={"size": 5},
            opacity=1 if newest else 0.6,
            hovertemplate=f"{name}<br>round %{{x}}: %{{y:.4~g}}<extra></extra>",
        )
        if len(runs) <= _NAMED:
            last = at[-1]
            drawn.add_annotation(
                x=curves.round[last],
                y=curves.best[last],
                text=label(curves.loop[last]),
                xanchor="left",
                showarrow=False,
            )
    return drawn.of(curves)
