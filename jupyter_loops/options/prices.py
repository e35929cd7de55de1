"""The prices that a person gives: for a named model, or for all models without a list price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from jupyter_loops.core.budget import Price

_FORM = "US dollars for a million tokens, in,out[,cached[,reasoning]], such as 3,15, or MODEL=3,15 for one of several"


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices by the model's name, and the one without a name."""

    alone: Price | None = None
    named: Mapping[str, Price] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> Prices:
        """Read `3,15`, or `MODEL=3,15;MODEL=1,2`. Raises ValueError with what was expected."""
        prices = dict[str, Price]()
        for part in text.split(";"):
            name, _, numbers = part.strip().rpartition("=")
            if name in prices:
                raise ValueError(f"one price for {name}" if name else "one price without a name")
            try:
                prices[name] = Price.per_million(numbers)
            except ValueError:
                raise ValueError(_FORM) from None
        return cls(prices.pop("", None), prices)
