"""Where the tokens of the prompts go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_loops.view.palette import SERIES

from .figure_frame import BESIDE, frame, label, tick_distance

if TYPE_CHECKING:
    from .chart import Chart


class PromptTokens(NamedTuple):
    """One entry a part and call."""

    part: list[str]
    call: list[int]
    tokens: list[int]
    dropped: list[int]  # tokens that did not fit


def numbers(rows: Sequence[Mapping[str, Any]]) -> PromptTokens:
    """The parts of each call's prompt, as they were sent."""
    cells = [(part, int(row["call"])) for row in rows for part in row.get("parts") or ()]
    return PromptTokens(
        part=[str(part["name"]) for part, _ in cells],
        call=[call for _, call in cells],
        tokens=[int(part.get("tokens") or 0) for part, _ in cells],
        dropped=[int(part.get("dropped") or 0) for part, _ in cells],
    )


def figure(sent: PromptTokens) -> Chart:
    """A bar a call, made of its parts."""
    drawn = frame("Prompt tokens by part", x="call", y="tokens", barmode="stack", legend=BESIDE)
    drawn.update_xaxes(dtick=tick_distance(sent.call))
    for place, name in enumerate(dict.fromkeys(sent.part)):
        at = [n for n, part in enumerate(sent.part) if part == name]
        drawn.add_bar(
            x=[sent.call[n] for n in at],
            y=[sent.tokens[n] for n in at],
            name=label(name),
            marker={"color": SERIES[place % len(SERIES)]},
            customdata=[sent.dropped[n] for n in at],
            hovertemplate=f"call %{{x}}, {label(name)}: %{{y:,}} tokens, %{{customdata:,}} cut<extra></extra>",
        )
    return drawn.of(sent)
