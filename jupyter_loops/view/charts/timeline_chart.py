"""Where the time of each round went."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_loops.view.palette import PHASES, WAIT

from .figure_frame import frame, label, tick_distance

if TYPE_CHECKING:
    from .chart import Chart

_SHOWN_AS = {"observe": "execute", "decide": "verify", "prepare": "wait"}  # they share a colour
_NEWEST = 200


class Timeline(NamedTuple):
    """One bar a phase of a round, in the order of time; `start` and `seconds` count within the round."""

    rounds: list[int]
    states: list[str]
    start: list[float]
    seconds: list[float]
    why: list[str]


def numbers(rows: Sequence[Mapping[str, Any]]) -> Timeline:
    """Lay the phases of the newest 200 rounds end to end."""
    bars = [
        (int(row["iteration"]), str(state), start, float(seconds), str(row.get("why") or ""))
        for row in rows[-_NEWEST:]
        for (state, seconds), start in _laid(row.get("phases") or ())
    ]
    rounds, states, start, seconds, why = zip(*bars, strict=True) if bars else ((), (), (), (), ())
    return Timeline(list(rounds), list(states), list(start), list(seconds), list(why))


def _laid(phases: Sequence[Sequence[Any]]) -> Iterable[tuple[Sequence[Any], float]]:
    return zip(phases, accumulate((float(seconds) for _, seconds in phases), initial=0.0), strict=False)


def figure(timeline: Timeline) -> Chart:
    """A row a round, the first on top; waits are hatched."""
    drawn = frame("Timeline", x="seconds", y="round", barmode="overlay")
    drawn.update_xaxes(tickformat="")
    drawn.update_yaxes(autorange="reversed", rangemode="normal", dtick=tick_distance(timeline.rounds))
    shown: set[str] = set()  # colours in the legend
    for state in dict.fromkeys(timeline.states):
        at = [place for place, its in enumerate(timeline.states) if its == state]
        colour = PHASES.get(state, WAIT)
        drawn.add_bar(
            orientation="h",
            y=[timeline.rounds[place] for place in at],
            x=[timeline.seconds[place] for place in at],
            base=[timeline.start[place] for place in at],
            name=label(_SHOWN_AS.get(state, state)),
            legendgroup=colour,
            showlegend=colour not in shown,
            marker={"color": colour, "pattern": {"shape": "/" if colour == WAIT else ""}},
            customdata=[label(timeline.why[place]) for place in at],
            hovertemplate="round %{y}: " + label(state) + " %{x:.3f} s<br>%{customdata}<extra></extra>",
        )
        shown.add(colour)
    return drawn.of(timeline)
