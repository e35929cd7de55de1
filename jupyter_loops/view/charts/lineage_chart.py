"""Where runs come from: a tree, one row a run, from left to right in rounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_loops.view.lineage_text import LineageText
from jupyter_loops.view.palette import LINE, PHASES

from .figure_frame import frame, label

if TYPE_CHECKING:
    from .chart import Chart


class LineageTree(NamedTuple):
    """One run a place; `start` and `end` count rounds, `parent` is the place of its parent, or -1."""

    run: list[str]
    parent: list[int]
    start: list[int]
    end: list[int]
    what: list[str]
    progress: list[float]


def numbers(rows: Sequence[Mapping[str, Any]]) -> LineageTree:
    """Place each run below its parent, from the round where it left it to its last one."""
    ordered = [row for row, _ in LineageText(rows).walk()]
    place = {row["run_id"]: n for n, row in enumerate(ordered)}
    start = [int(row.get("forked_at") or 0) for row in ordered]
    return LineageTree(
        run=[str(row["run_id"]) for row in ordered],
        parent=[place.get(row["parent"], -1) for row in ordered],
        start=start,
        end=[max(first, int(row.get("iterations") or 0)) for first, row in zip(start, ordered, strict=True)],
        what=[
            " ".join(filter(None, (row.get("relation"), row.get("model"), row.get("stop_reason")))) for row in ordered
        ],
        progress=[float(row.get("progress") or 0.0) for row in ordered],
    )


def figure(family: LineageTree) -> Chart:
    """A bar a run, and a line down from the round where another left it."""
    drawn = frame("Lineage", x="rounds", y="", showlegend=False)
    drawn.update_yaxes(autorange="reversed", rangemode="normal", tickvals=list(range(len(family.run))))
    drawn.update_yaxes(ticktext=[label(run) for run in family.run])
    for place, parent in enumerate(family.parent):
        if parent >= 0:
            at = family.start[place]
            drawn.add_scatter(x=[at, at], y=[parent, place], mode="lines", line={"color": LINE}, hoverinfo="skip")
    drawn.add_bar(
        orientation="h",
        y=list(range(len(family.run))),
        x=[end - start for start, end in zip(family.start, family.end, strict=True)],
        base=family.start,
        width=0.3,
        marker={"color": PHASES["plan"]},
        customdata=[
            f"{label(what)}<br>best progress {best:.0%}"
            for what, best in zip(family.what, family.progress, strict=True)
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )
    return drawn.of(family)
