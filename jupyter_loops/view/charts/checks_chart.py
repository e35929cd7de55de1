"""Which check passed in which round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_loops.view.palette import FAIL, PASS

from .figure_frame import frame, label, tick_distance

if TYPE_CHECKING:
    from .chart import Chart

ROW = 26  # pixels a check


class CheckGrid(NamedTuple):
    """One entry a verdict, in the order of the checks and the rounds."""

    check: list[str]
    round: list[int]
    passed: list[bool]
    message: list[str]


def numbers(rows: Sequence[Mapping[str, Any]]) -> CheckGrid:
    """The newest verdict of each check in each round; a hidden check is named by its place among them."""
    hidden: dict[str, str] = {}
    found: dict[tuple[str, int], tuple[bool, str]] = {}
    for row in rows:
        name = str(row["check_name"])
        if row.get("hidden"):
            name = hidden.setdefault(name, f"hidden check {len(hidden) + 1}")
        message = "" if row.get("hidden") else str(row.get("message") or "")
        found[name, int(row["iteration"])] = (bool(row["passed"]), message)
    names = {name: place for place, name in enumerate(dict.fromkeys(name for name, _ in found))}
    cells = sorted(found.items(), key=lambda cell: (names[cell[0][0]], cell[0][1]))
    return CheckGrid(
        check=[name for (name, _), _ in cells],
        round=[iteration for (_, iteration), _ in cells],
        passed=[passed for _, (passed, _) in cells],
        message=[message for _, (_, message) in cells],
    )


def figure(grid: CheckGrid) -> Chart:
    """A tile a check and round: filled where it passed, a cross where it failed, empty where it did not run."""
    drawn = frame("Checks", x="round", y="")
    names = [*dict.fromkeys(grid.check)]
    drawn.update_xaxes(dtick=tick_distance(grid.round), showgrid=False)
    drawn.update_yaxes(
        autorange="reversed",
        rangemode="normal",
        showgrid=False,
        tickvals=[*range(len(names))],
        ticktext=[label(name[:40]) for name in names],
    )
    drawn.update_layout(height=140 + ROW * max(len(names), 1))
    for passed, name, symbol, colour in ((True, "passed", "square", PASS), (False, "failed", "x", FAIL)):
        at = [place for place, value in enumerate(grid.passed) if value is passed]
        drawn.add_scatter(
            x=[grid.round[place] for place in at],
            y=[names.index(grid.check[place]) for place in at],
            name=name,
            mode="markers",
            marker={"symbol": symbol, "size": 13, "color": colour},
            customdata=[label(f"{grid.check[place]}  {grid.message[place]}") for place in at],
            hovertemplate=f"round %{{x}}, {name}<br>%{{customdata}}<extra></extra>",
        )
    return drawn.of(grid)
