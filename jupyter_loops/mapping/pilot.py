"""The pilot of a map: what some random rows took, and what all the others will."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jupyter_loops.core.budget import Budget, Usage
from jupyter_loops.view.amounts import brief, count, usd

from .map_progress import MapProgress, Range, success_rate

_Ahead = tuple[str, Range | None, float | None, str, Callable[[float], str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PilotProjection:
    """What the rows of a pilot say of the rest."""

    rows: int  # of the pilot
    remaining: int | None  # rows; None: not known
    success: Range  # share of verified rows
    rounds: float  # a row
    usd: float  # a row
    tokens: float  # a row
    seconds: float  # a row, from its start to its end
    usd_ahead: Range | None = None  # of the remaining rows
    tokens_ahead: Range | None = None
    seconds_ahead: Range | None = None
    usd_left: float | None = None  # of the cap; None: there is none
    tokens_left: float | None = None
    seconds_left: float | None = None

    @classmethod
    def of(cls, progress: MapProgress, budget: Budget, usage: Usage) -> PilotProjection:
        """The projection after a pilot."""
        remaining = None if progress.total is None else progress.total - progress.done
        left = budget.remaining(usage)
        return cls(
            rows=progress.done,
            remaining=remaining,
            success=success_rate(progress.verified, progress.done),
            rounds=progress.rounds / max(progress.done, 1),
            usd=progress.usd.mean,
            tokens=progress.tokens.mean,
            seconds=progress.seconds.mean,
            usd_ahead=None if remaining is None else progress.usd.total_of(remaining),
            tokens_ahead=None if remaining is None else progress.tokens.total_of(remaining),
            seconds_ahead=progress.time_left,
            usd_left=left.get("usd"),
            tokens_left=left.get("tokens"),
            seconds_left=left.get("seconds"),
        )

    @property
    def limit(self) -> str:
        """The first limit that the remaining rows will not fit into; empty where they will."""
        return next(
            (name for name, ahead, left, _, _ in self._limits if ahead and left is not None and ahead.mean > left), ""
        )

    @property
    def too_dear(self) -> str:
        """That limit with its numbers, in words."""
        for name, ahead, left, option, words in self._limits:
            if name == self.limit and ahead is not None and left is not None:
                return f"the rest takes about {words(ahead.mean)}, and {words(left)} of {option} is left"
        return ""

    @property
    def _limits(self) -> tuple[_Ahead, ...]:
        return (
            ("usd", self.usd_ahead, self.usd_left, "--usd", usd),
            ("tokens", self.tokens_ahead, self.tokens_left, "--tokens", tokens),
            ("seconds", self.seconds_ahead, self.seconds_left, "--time", brief),
        )

    @property
    def cap_share(self) -> float | None:
        """The share of what is left of the dollars, or else of the tokens, that the rest takes."""
        for ahead, left in ((self.usd_ahead, self.usd_left), (self.tokens_ahead, self.tokens_left)):
            if ahead is not None and left and ahead.mean:
                return ahead.mean / left
        return None

    def __str__(self) -> str:
        return "\n".join(self.lines)

    @property
    def lines(self) -> list[str]:
        """In sentences."""
        low, share, high = (f"{100 * part:.0f}" for part in self.success)
        first = (
            f"pilot of {self.rows} rows: {share} % verified ({low} to {high} %), {self.rounds:.1f} rounds, "
            f"{usd(self.usd)}, {self.tokens:,.0f} tokens and {brief(self.seconds)} a row"
        )
        if self.remaining is None:
            return [first, "how many rows follow is not known"]
        parts = [
            spread(self.usd_ahead, usd) if self.usd_ahead and self.usd_ahead.mean else "",
            spread(self.tokens_ahead, tokens),
            spread(self.seconds_ahead, brief),
        ]
        ahead = "; ".join(filter(None, parts))
        of_cap = "" if self.cap_share is None else f"; {100 * self.cap_share:.0f} % of what is left of the cap"
        return [first, f"the other {self.remaining:,} rows: {ahead}{of_cap}"]


def spread(value: Range | None, words: Callable[[float], str]) -> str:
    """An estimate with its range; empty without one."""
    return "" if value is None else f"{words(value.mean)} ({words(value.low)} to {words(value.high)})"


def tokens(value: float) -> str:
    """A count of tokens."""
    return f"{count(value)} tokens"
