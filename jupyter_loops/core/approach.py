"""Ways to ask for the next candidate, and what each has been worth."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

TEMPERATURES = (0.2, 0.6, 1.0)  # what lies between them counts as the nearest


class Mode(StrEnum):
    """Repair the last candidate, with its failures in view; or draw a new one from a prompt without them."""

    REPAIR = "repair"
    RESAMPLE = "resample"


class Approach(NamedTuple):
    """One way to ask. The bandit looks its arms up so often that they are hashed as tuples."""

    model: str
    mode: Mode
    temperature: float

    @classmethod
    def near(cls, model: str, mode: Mode, temperature: float | None) -> Approach:
        """The approach that a temperature counts as."""
        target = TEMPERATURES[0] if temperature is None else temperature
        return cls(model, mode, min(TEMPERATURES, key=lambda choice: abs(choice - target)))

    def __str__(self) -> str:
        return f"{self.mode} at {self.temperature:g}, {self.model}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What rounds with one approach have gained and cost; not a run's first round, which has nothing to repair."""

    rounds: float = 0.0
    gain: float = 0.0  # progress beyond the best before, 0 to 1 a round
    usd: float = 0.0
    tokens: float = 0.0

    def __add__(self, other: Worth) -> Worth:
        return Worth(
            rounds=self.rounds + other.rounds,
            gain=self.gain + other.gain,
            usd=self.usd + other.usd,
            tokens=self.tokens + other.tokens,
        )
