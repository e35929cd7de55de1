"""How near each round came to the goal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_loops.view.palette import FAIL, PASS, PLAN

from .figure_frame import frame, label, tick_distance

if TYPE_CHECKING:
    from .chart import Chart


class Progress(NamedTuple):
    """One entry a round; values are shares of the goal in [0, 1], or scores where the run has one."""

    rounds: list[int]
    value: list[float | None]  # None of a round without a score
    best: list[float | None]  # of all rounds so far
    passed: list[bool]
    why: list[str]
    scored: bool


def numbers(rows: Sequence[Mapping[str, Any]]) -> Progress:
    """Scores where a round has one, shares of passed checks otherwise."""
    scored = any(row.get("score") is not None for row in rows)
    value = [row.get("score") if scored else float(row.get("progress") or 0.0) for row in rows]
    best: list[float | None] = []
    for row, reached in zip(rows, value, strict=True):
        best.append(reached if row.get("best") or not best else best[-1])
    return Progress(
        rounds=[int(row["iteration"]) for row in rows],
        value=value,
        best=best,
        passed=[bool(row.get("total")) and row["passed"] >= row["total"] for row in rows],
        why=[str(row.get("why") or "") for row in rows],
        scored=scored,
    )


def figure(progress: Progress) -> Chart:
    """Steps for the best so far, a dot a round: filled circles passed, crosses did not.

    A round without a score is a cross at the height of the lowest.
    """
    scores = [value for value in progress.value if value is not None]
    drawn = frame("Progress", x="round", y="score" if progress.scored else "share of the goal")
    drawn.update_xaxes(dtick=tick_distance(progress.rounds))
    if not progress.scored:
        drawn.update_yaxes(range=[-0.04, 1.06], tickformat=".0%")
        drawn.add_hline(y=1, line={"color": PASS, "dash": "dot"}, annotation_text="goal")
    drawn.add_scatter(
        x=progress.rounds,
        y=progress.best,
        name="best so far",
        mode="lines",
        line={"color": PLAN, "shape": "hv", "width": 2},
        hoverinfo="skip",
    )
    drawn.add_scatter(
        x=progress.rounds,
        y=[min(scores, default=0.0) if value is None else value for value in progress.value],
        name="round",
        mode="markers",
        marker={
            "size": 10,
            "symbol": ["circle" if passed else "x" for passed in progress.passed],
            "color": [PASS if passed else FAIL for passed in progress.passed],
        },
        customdata=[
            [label(why), "no score" if value is None else f"{value:.6g}" if progress.scored else f"{value:.0%}"]
            for why, value in zip(progress.why, progress.value, strict=True)
        ],
        hovertemplate="round %{x}: %{customdata[1]}<br>%{customdata[0]}<extra></extra>",
    )
    return drawn.of(progress)
