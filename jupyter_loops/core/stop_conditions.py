"""The conditions that end a run. How they compose is in condition.py."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar

from .amount import amount, counted
from .budget import Budget
from .condition import Condition, Position
from .plain import plain
from .termination import StopReason, Termination

_MOST = 1e15


class _Simple(Condition):
    """One that is there when its share is 1; each says what is missing, and why it ends the run."""

    __slots__ = ()
    reason: ClassVar[StopReason]

    def remaining(self, at: Position) -> str:
        """What is missing, in words."""
        return "nothing" if self.share(at) >= 1 else self._remaining(at)

    def fired(self, at: Position) -> Termination | None:
        """Why it ends the run, once it is there."""
        return Termination(self.reason, self._why(at)) if self.share(at) >= 1 else None

    @abstractmethod
    def _remaining(self, at: Position) -> str: ...

    @abstractmethod
    def _why(self, at: Position) -> str: ...

    def __str__(self) -> str:
        return f"{type(self).__name__}({', '.join(repr(value) for value in plain(self).values())})"


@dataclass(frozen=True, slots=True)
class Verified(_Simple):
    """The best candidate passed every check."""

    reason = StopReason.VERIFIED

    def share(self, at: Position) -> float:
        """How much of the checks the best candidate passed."""
        return 1.0 if at.verified else min(at.progress, 0.999)

    def _remaining(self, at: Position) -> str:  # noqa: ARG002  # whatever is missing, it is checks
        return "all checks passed"

    _why = _remaining


@dataclass(frozen=True, slots=True)
class _Limit(_Simple):
    """So much of one thing is used."""

    most: float
    name: ClassVar[str]  # of the Budget field

    def __post_init__(self) -> None:
        _positive(self, self.most, integer=self.name not in {"usd", "seconds"})

    def share(self, at: Position) -> float:
        """Used, of all."""
        return min(self._used(at) / self.most, 1.0)

    def cap(self, budget: Budget) -> Budget:
        """Sets the limit where there is none or a wider one."""
        now: float | None = getattr(budget, self.name)
        return replace(budget, **{self.name: self.most if now is None else min(now, self.most)})  # type: ignore[arg-type]  # one name a field

    def _used(self, at: Position) -> float:
        used: float = getattr(at.usage, self.name)
        return used

    def _remaining(self, at: Position) -> str:
        return amount(self.name, self.most - self._used(at))

    def _why(self, at: Position) -> str:
        return f"{amount(self.name, self._used(at))} of {amount(self.name, self.most)} used"


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
class Plateau(_Simple):
    """So many rounds in a row brought nothing better."""

    rounds: int
    reason = StopReason.PLATEAU

    def __post_init__(self) -> None:
        _positive(self, self.rounds, integer=True)

    def share(self, at: Position) -> float:
        """Rounds without improvement, of those it takes."""
        return min(at.since_best / self.rounds, 1.0)

    def _remaining(self, at: Position) -> str:
        return f"{counted(self.rounds - at.since_best, 'more round')} without progress"

    def _why(self, at: Position) -> str:
        return f"no progress for {counted(at.since_best, 'round')}"


@dataclass(frozen=True, slots=True)
class Score(_Simple):
    """The score of `maximize` or `minimize` is as good as this or better, and every assert has passed.

    This is a check like any other, so a run that it ends is verified.
    """

    goal: float
    reason = StopReason.VERIFIED

    def share(self, at: Position) -> float:
        """Only whether it is there: how far a score can still go is not known."""
        if at.score is None or not at.accepted:
            return 0.0
        return float(at.score >= self.goal if at.maximize else at.score <= self.goal)

    def _remaining(self, at: Position) -> str:
        return f"{self.goal:g} from {'no score yet' if at.score is None else f'a score of {at.score:g}'}"

    def _why(self, at: Position) -> str:
        return f"the score {at.score:g} is as good as {self.goal:g}"


def _positive(condition: Condition, number: object, *, integer: bool) -> None:
    kinds = int if integer else int | float
    if isinstance(number, bool) or not isinstance(number, kinds) or not 0 < number <= _MOST:
        raise ValueError(f"{type(condition).__name__} needs a {'whole ' * integer}number above 0, got {number!r:.40}")


CONDITIONS: dict[str, type[Condition]] = {
    kind.__name__: kind for kind in (Verified, Iterations, Usd, Tokens, Time, Calls, Plateau, Score)
}
