"""The prices that a person gives: one for a model by its name, or one for all that have none on the list."""

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
        found = dict[str, Price]()
        for part in text.split(";"):
            name, _, numbers = part.strip().rpartition("=")
            if name in found:
                raise ValueError(f"one price for {name}" if name else "one price without a name")
            try:
                found[name] = Price.per_million(numbers)
            except ValueError:
                raise ValueError(_FORM) from None
        return cls(found.pop("", None), found)
