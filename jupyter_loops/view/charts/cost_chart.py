"""What each round cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_loops.view.palette import EXECUTE, PLAN, TEXT

from .figure_frame import frame, tick_distance

if TYPE_CHECKING:
    from .chart import Chart


class Cost(NamedTuple):
    """One entry a round; `priced` is False where the model costs nothing or its price is unknown."""

    rounds: list[int]
    usd: list[float]
    total_usd: list[float]
    tokens: list[int]
    total_tokens: list[int]
    priced: bool


def numbers(rows: Sequence[Mapping[str, Any]]) -> Cost:
    """Sum up as the rounds went."""
    usd = [float(row.get("usd") or 0.0) for row in rows]
    tokens = [int(row.get("tokens") or 0) for row in rows]
    rounds = [int(row["iteration"]) for row in rows]
    return Cost(rounds, usd, list(accumulate(usd)), tokens, list(accumulate(tokens)), any(usd))


def figure(cost: Cost) -> Chart:
    """Bars a round, a line for the sum; in dollars where there are any, otherwise in tokens."""
    per_round, total, unit = (
        (cost.usd, cost.total_usd, "US dollars") if cost.priced else (cost.tokens, cost.total_tokens, "tokens")
    )
    drawn = frame("Cost" if cost.priced else "Cost in tokens (no price)", x="round", y=unit, barmode="overlay")
    drawn.update_xaxes(dtick=tick_distance(cost.rounds))
    written = "$%{y:.5f}" if cost.priced else "%{y:,} tokens"
    drawn.add_bar(
        x=cost.rounds,
        y=per_round,
        name="a round",
        marker={"color": PLAN},
        customdata=cost.tokens,
        hovertemplate=f"round %{{x}}: {written}, %{{customdata:,}} tokens<extra></extra>",
    )
    drawn.add_scatter(
        x=cost.rounds,
        y=total,
        name="in all",
        mode="lines+markers",
        line={"color": EXECUTE, "shape": "hv"},
        marker={"line": {"color": TEXT, "width": 0}},
        hovertemplate=f"up to round %{{x}}: {written}<extra></extra>",
    )
    return drawn.of(cost)
