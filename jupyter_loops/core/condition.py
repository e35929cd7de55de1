"""When a run is over, as values that compose: `Verified() | Iterations(20) | Usd(0.5) & Plateau(3)`.

`&` binds closer than `|`, as in Python. A condition is asked after every round; it knows how near it is, what
is left, and why it fired. A limit that stands alone, or beside others with `|`, limits the budget as well, so a call
that could break it is not made. The conditions themselves are in until.py.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from .budget import Budget, Usage
from .termination import Termination


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a run stands."""

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
    def left(self, at: Position) -> str:
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

    one: Condition
    other: Condition

    def share(self, at: Position) -> float:
        """That of the nearer one."""
        return max(self.one.share(at), self.other.share(at))

    def left(self, at: Position) -> str:
        """What is missing for one, or for the other."""
        return f"{self.one.left(at)}, or {self.other.left(at)}"

    def fired(self, at: Position) -> Termination | None:
        """The end that the first one of them is."""
        return self.one.fired(at) or self.other.fired(at)

    def cap(self, budget: Budget) -> Budget:
        """The limits of both."""
        return self.other.cap(self.one.cap(budget))

    def __str__(self) -> str:
        return f"{self.one} | {self.other}"


@dataclass(frozen=True, slots=True)
class Both(Condition):
    """Fires when both do, for the reason of the first one that is named."""

    one: Condition
    other: Condition

    def share(self, at: Position) -> float:
        """That of the farther one."""
        return min(self.one.share(at), self.other.share(at))

    def left(self, at: Position) -> str:
        """What is still missing of the two."""
        missing = [part.left(at) for part in (self.one, self.other) if part.fired(at) is None]
        return " and ".join(missing) or "nothing"

    def fired(self, at: Position) -> Termination | None:
        """One end with both reasons in its words."""
        one, other = self.one.fired(at), self.other.fired(at)
        return Termination(one.reason, f"{one.message} and {other.message}") if one and other else None

    def __str__(self) -> str:
        return " & ".join(f"({part})" if isinstance(part, Either) else str(part) for part in (self.one, self.other))
