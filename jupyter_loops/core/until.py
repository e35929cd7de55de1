"""The conditions that end a run. How they compose is in condition.py."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from .amount import amount
from .budget import Budget
from .condition import Condition, Position
from .termination import StopReason, Termination

_MOST = 1e15


@dataclass(frozen=True, slots=True)
class Verified(Condition):
    """The best candidate passed every check."""

    def share(self, at: Position) -> float:
        """How much of the checks the best candidate passed."""
        return 1.0 if at.verified else min(at.progress, 0.999)

    def left(self, at: Position) -> str:
        """Whether checks are missing."""
        return "nothing" if at.verified else "all checks passed"

    def fired(self, at: Position) -> Termination | None:
        """Verified."""
        return Termination(StopReason.VERIFIED, "all checks passed") if at.verified else None

    def __str__(self) -> str:
        return "Verified()"


@dataclass(frozen=True, slots=True)
class _Limit(Condition):
    """So much of one thing is used."""

    most: float
    name: ClassVar[str]  # of the Budget field
    reason: ClassVar[StopReason]

    def __post_init__(self) -> None:
        _positive(self, self.most, whole=self.name not in {"usd", "seconds"})

    def share(self, at: Position) -> float:
        """Used, of all."""
        return min(self._used(at) / self.most, 1.0)

    def left(self, at: Position) -> str:
        """The rest."""
        return amount(self.name, max(self.most - self._used(at), 0))

    def fired(self, at: Position) -> Termination | None:
        """The limit is reached."""
        if self._used(at) < self.most:
            return None
        return Termination(self.reason, f"{amount(self.name, self._used(at))} of {amount(self.name, self.most)} used")

    def cap(self, budget: Budget) -> Budget:
        """Sets the limit where there is none or a wider one."""
        now: float | None = getattr(budget, self.name)
        return replace(budget, **{self.name: self.most if now is None else min(now, self.most)})  # type: ignore[arg-type]  # one name a field

    def _used(self, at: Position) -> float:
        used: float = getattr(at.usage, self.name)
        return used

    def __str__(self) -> str:
        return f"{type(self).__name__}({self.most!r})"


class Usd(_Limit):
    """So many US dollars are spent."""

    __slots__ = ()
    name, reason = "usd", StopReason.BUDGET_USD


class Tokens(_Limit):
    """So many tokens are used, prompt and answer together."""

    __slots__ = ()
    name, reason = "tokens", StopReason.BUDGET_TOKENS


class Time(_Limit):
    """So many seconds have passed; waiting for a person is not counted."""

    __slots__ = ()
    name, reason = "seconds", StopReason.BUDGET_TIME


class Iterations(_Limit):
    """So many rounds are done."""

    __slots__ = ()
    name, reason = "iterations", StopReason.ITERATIONS


class Calls(_Limit):
    """So many requests were made to models, retries included."""

    __slots__ = ()
    name, reason = "calls", StopReason.BUDGET_CALLS


@dataclass(frozen=True, slots=True)
class Plateau(Condition):
    """So many rounds in a row brought nothing better."""

    rounds: int

    def __post_init__(self) -> None:
        _positive(self, self.rounds, whole=True)

    def share(self, at: Position) -> float:
        """Rounds without improvement, of those it takes."""
        return min(at.since_best / self.rounds, 1.0)

    def left(self, at: Position) -> str:
        """Rounds without improvement that are allowed yet."""
        return f"{max(self.rounds - at.since_best, 0)} more rounds without progress"

    def fired(self, at: Position) -> Termination | None:
        """Nothing better for so long."""
        if at.since_best < self.rounds:
            return None
        return Termination(StopReason.PLATEAU, f"no progress for {at.since_best} rounds")

    def __str__(self) -> str:
        return f"Plateau({self.rounds})"


@dataclass(frozen=True, slots=True)
class Score(Condition):
    """The score of `maximize` or `minimize` is as good as this or better, and every assert has passed."""

    goal: float

    def share(self, at: Position) -> float:
        """Only whether it is there: how far a score can still go is not known."""
        return 1.0 if self._reached(at) else 0.0

    def left(self, at: Position) -> str:
        """From which score to which."""
        now = "no score yet" if at.score is None else f"a score of {at.score:g}"
        return "nothing" if self._reached(at) else f"{self.goal:g} from {now}"

    def fired(self, at: Position) -> Termination | None:
        """The score is good enough: this is a check like any other, and the candidate has passed all of them."""
        if not self._reached(at):
            return None
        return Termination(StopReason.VERIFIED, f"the score {at.score:g} is as good as {self.goal:g}")

    def _reached(self, at: Position) -> bool:
        if at.score is None or not at.accepted:
            return False
        return at.score >= self.goal if at.maximize else at.score <= self.goal

    def __str__(self) -> str:
        return f"Score({self.goal!r})"


def _positive(condition: Condition, number: object, *, whole: bool) -> None:
    kinds = int if whole else int | float
    if isinstance(number, bool) or not isinstance(number, kinds) or not 0 < number <= _MOST:
        raise ValueError(f"{type(condition).__name__} needs a {'whole ' * whole}number above 0, got {number!r:.40}")


CONDITIONS: dict[str, type[Condition]] = {
    kind.__name__: kind for kind in (Verified, Iterations, Usd, Tokens, Time, Calls, Plateau, Score)
}
