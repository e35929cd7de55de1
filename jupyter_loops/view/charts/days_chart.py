"""What each day cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_loops.view.palette import FAIL, SERIES

from .figure_frame import BESIDE, frame, label

if TYPE_CHECKING:
    from .chart import Chart

QUERY = """
SELECT day::VARCHAR AS day, model, usd, tokens, $daily_usd::DOUBLE AS cap FROM cost_by_day
WHERE contains(lower(model), lower($word)) AND day > current_date - INTERVAL 60 DAY ORDER BY day, usd DESC NULLS LAST
"""


class DayCosts(NamedTuple):
    """One entry a day (UTC) and model."""

    day: list[str]
    model: list[str]
    usd: list[float]
    tokens: list[int]
    cap: float | None  # US dollars a day, for all notebooks


def numbers(rows: Sequence[Mapping[str, Any]]) -> DayCosts:
    """As the query gives them, the oldest day first."""
    return DayCosts(
        day=[str(row["day"]) for row in rows],
        model=[str(row["model"]) for row in rows],
        usd=[float(row["usd"] or 0) for row in rows],
        tokens=[int(row["tokens"] or 0) for row in rows],
        cap=rows[0]["cap"] if rows else None,
    )


def figure(costs: DayCosts) -> Chart:
    """A bar a day, made of its models; the cap of a day as a line. In tokens where nothing has a price."""
    priced = any(costs.usd)
    up, unit, sign = (costs.usd, "US dollars", "$") if priced else (costs.tokens, "tokens", "")
    drawn = frame("Cost a day" if priced else "Tokens a day (no price)", x="", y=unit, barmode="stack", legend=BESIDE)
    drawn.update_xaxes(type="category", tickformat=None)
    drawn.update_yaxes(tickprefix=sign)
    for place, model in enumerate(dict.fromkeys(costs.model)):
        at = [n for n, name in enumerate(costs.model) if name == model]
        drawn.add_bar(
            x=[costs.day[n] for n in at],
            y=[up[n] for n in at],
            name=label(model),
            marker={"color": SERIES[place % len(SERIES)]},
            width=min(0.1 * len(set(costs.day)), 0.8),
            hovertemplate=f"%{{x}}, {label(model)}: {sign}%{{y:,.4~g}}<extra></extra>",
        )
    if priced and costs.cap is not None:
        drawn.add_hline(
            y=costs.cap,
            line={"color": FAIL, "dash": "dot"},
            annotation_text=f"cap ${costs.cap:g}",
            annotation_position="top left",
        )
    return drawn.of(costs)
