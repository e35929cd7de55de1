"""When a run is over, as values that compose: `Verified() | Iterations(20) | Usd(0.5) & Plateau(3)`.

`&` binds closer than `|`, as in Python. A condition is asked after every round; it knows how near it is, what
is left, and why it fired. A limit that stands alone, or beside others with `|`, limits the budget as well, so a call
that could break it is not made. The conditions themselves are in stop_conditions.py.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from .budget import Budget, Usage
from .termination import Termination


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What conditions read of a run."""

    usage: Usage
    verified: bool = False  # the best candidate passed every assert, and there is one
    accepted: bool = False  # the best candidate may be delivered; without asserts a score is enough
    progress: float = 0.0  # of the best candidate, 0 to 1
    score: float | None = None  # of the best candidate, as maximize or minimize gave it
    maximize: bool = True  # whether a higher score is better
    since_best: int = 0  # rounds in a row without improvement


class Condition(ABC):
    """Something that ends a run."""

    __slots__ = ()

    @abstractmethod
    def share(self, at: Position) -> float:
        """How near it is: 0 is far, 1 is there."""

    @abstractmethod
    def remaining(self, at: Position) -> str:
        """What is missing, in words."""

    @abstractmethod
    def fired(self, at: Position) -> Termination | None:
        """Why it ends the run, or None while it does not."""

    def cap(self, budget: Budget) -> Budget:
        """The budget with the limits that this condition sets by itself."""
        return budget

    def __or__(self, other: Condition) -> Condition:
        return Either(self, other) if isinstance(other, Condition) else NotImplemented

    def __and__(self, other: Condition) -> Condition:
        return Both(self, other) if isinstance(other, Condition) else NotImplemented


@dataclass(frozen=True, slots=True)
class Either(Condition):
    """Fires when one of two does; the first one's reason goes before the second one's."""

    first: Condition
    second: Condition

    def share(self, at: Position) -> float:
        """That of the nearer one."""
        return max(self.first.share(at), self.second.share(at))

    def remaining(self, at: Position) -> str:
        """What is missing for one, or for the other."""
        return f"{self.first.remaining(at)}, or {self.second.remaining(at)}"

    def fired(self, at: Position) -> Termination | None:
        """The end that the first one of them is."""
        return self.first.fired(at) or self.second.fired(at)

    def cap(self, budget: Budget) -> Budget:
        """The limits of both."""
        return self.second.cap(self.first.cap(budget))

    def __str__(self) -> str:
        return f"{self.first} | {self.second}"


@dataclass(frozen=True, slots=True)
class Both(Condition):
    """Fires when both do, for the reason of the first one that is named."""

    first: Condition
    second: Condition

    def share(self, at: Position) -> float:
        """That of the farther one."""
        return min(self.first.share(at), self.second.share(at))

    def remaining(self, at: Position) -> str:
        """What is still missing of the two."""
        missing = [part.remaining(at) for part in (self.first, self.second) if part.fired(at) is None]
        return " and ".join(missing) or "nothing"

    def fired(self, at: Position) -> Termination | None:
        """One end with both reasons in its words."""
        first, second = self.first.fired(at), self.second.fired(at)
        return Termination(first.reason, f"{first.message} and {second.message}") if first and second else None

    def __str__(self) -> str:
        return " & ".join(f"({part})" if isinstance(part, Either) else str(part) for part in (self.first, self.second))
