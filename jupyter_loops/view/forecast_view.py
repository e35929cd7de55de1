"""The forecast of a run, as its view shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jupyter_loops.core.forecast import NEXT

from .amounts import count, usd


@dataclass(frozen=True, slots=True)
class ForecastView:
    """One line, its curve, and details on demand. Empty where there is no forecast."""

    text: str = ""
    more: str = ""
    curve: tuple[float, ...] = ()  # P(verified) after each of the rounds to come

    @classmethod
    def of(cls, forecast: object) -> ForecastView:
        """From an event's JSON."""
        if not isinstance(forecast, Mapping) or not forecast:
            return cls()
        p, next_p, by = (_number(forecast.get(name)) for name in ("p", "next_p", "by_round"))
        cost = _cost(forecast)
        text = " · ".join(filter(None, [f"{p:.0%} to verify by round {by:.0f}", f"next round {next_p:.0%}", cost]))
        curve = forecast.get("curve") or ()
        return cls(text, _more(forecast), tuple(min(max(_number(value), 0.0), 1.0) for value in curve)[:NEXT])

    def to_json(self) -> dict[str, Any] | None:
        """None where there is nothing to show."""
        return {"text": self.text, "more": self.more, "curve": list(self.curve)} if self.text else None


def _cost(forecast: Mapping[str, Any]) -> str:
    dollars, tokens = _number(forecast.get("expected_usd")), _number(forecast.get("expected_tokens"))
    if dollars > 0:
        return f"about {usd(dollars)} more"
    return f"about {count(tokens)} tokens more" if tokens > 0 else ""


def _more(forecast: Mapping[str, Any]) -> str:
    goal, gain = _number(forecast.get("usd_to_goal")), _number(forecast.get("gain_per_usd"))
    low, high = _span(forecast.get("usd_range"))
    runs = _number(forecast.get("runs"))
    parts = [f"{usd(goal)} to the goal where runs like this go on" if goal > 0 else ""]
    parts += [f"{usd(low)} to {usd(high)} still to come, 10 % to 90 %" if high > 0 else ""]
    parts += [f"a dollar of the next round buys {gain:.3g} of certainty" if gain > 0 else ""]
    parts += [f"from {runs:.0f} earlier runs" if runs else "no earlier run is known"]
    return "; ".join(filter(None, parts))


def _span(value: object) -> tuple[float, float]:
    match value:
        case [low, high]:
            return _number(low), _number(high)
    return 0.0, 0.0


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and value == value else 0.0  # noqa: PLR0124  # NaN
