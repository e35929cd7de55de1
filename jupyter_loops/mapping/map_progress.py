"""The progress of a map in numbers: how many rows, how fast, how long still, at what cost."""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from .row_outcome import RowOutcome

_RECENT = 256  # rows that the rate is measured over
_Z = 1.96  # of a range that holds 19 times out of 20


class Range(NamedTuple):
    """An estimate and the range around it that holds 19 times out of 20."""

    low: float
    mean: float
    high: float


@dataclass(slots=True)
class Spread:
    """Mean and variance of numbers, one at a time (B. P. Welford, Technometrics 4, 1962)."""

    count: int = 0
    mean: float = 0.0
    _squares: float = 0.0

    def add(self, value: float) -> None:
        """Take a number in."""
        self.count += 1
        change = value - self.mean
        self.mean += change / self.count
        self._squares += change * (value - self.mean)

    def total_of(self, count: int) -> Range | None:
        """The sum of so many more numbers: a prediction interval with Student's t. None with fewer than two."""
        if self.count < 2:  # noqa: PLR2004  # one number has no variance
            return None
        deviation = math.sqrt(self._squares / (self.count - 1))
        around = _student(self.count - 1) * deviation * math.sqrt(count + count**2 / self.count)
        mean = self.mean * count
        return Range(max(mean - around, 0.0), mean, mean + around)


def _student(degrees: int) -> float:
    """The 97.5 % quantile of Student's t, by the expansion of Cornish and Fisher (1937); a little small below 3."""
    z, n = _Z, degrees
    return z + (z**3 + z) / (4 * n) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)


def success_rate(verified: int, done: int) -> Range:
    """The share of verified rows, with the interval of E. B. Wilson (1927)."""
    if not done:
        return Range(0.0, 0.0, 1.0)
    share, weight = verified / done, _Z**2 / done
    middle = (share + weight / 2) / (1 + weight)
    around = _Z / (1 + weight) * math.sqrt(share * (1 - share) / done + weight / (4 * done))
    return Range(max(middle - around, 0.0), share, min(middle + around, 1.0))


@dataclass(slots=True)
class MapProgress:
    """Counts rows as they end."""

    total: int | None = None  # None: not known before the end
    running: int = 0
    verified: int = 0
    failed: int = 0
    stored: int = 0  # verified from the history, at no cost
    rounds: int = 0
    failed_by_state: Counter[str] = field(default_factory=Counter)
    by_model: dict[str, ModelShare] = field(default_factory=dict)
    usd: Spread = field(default_factory=Spread)  # a row that was worked on
    tokens: Spread = field(default_factory=Spread)
    seconds: Spread = field(default_factory=Spread)
    failures: deque[RowOutcome] = field(default_factory=lambda: deque(maxlen=3))  # the newest
    clock: Callable[[], float] = time.monotonic
    _ends: deque[float] = field(default_factory=lambda: deque(maxlen=_RECENT))
    _started: float | None = None

    @property
    def done(self) -> int:
        """Rows that have ended."""
        return self.verified + self.failed

    def start(self) -> None:
        """The first row is about to start."""
        self._started = self._started or self.clock()

    def add(self, outcome: RowOutcome) -> None:
        """Take the end of a row in."""
        self.verified += outcome.verified
        self.failed += not outcome.verified
        self.stored += outcome.stored
        self.rounds += outcome.rounds
        if not outcome.verified:
            self.failed_by_state[outcome.state] += 1
            self.failures.append(outcome)
        self._ends.append(self.clock())
        if not outcome.stored:
            self.usd.add(outcome.usd)
            self.tokens.add(outcome.tokens)
            self.seconds.add(outcome.seconds)

    def count_stage(self, model: str, *, verified: bool, usd: float, tokens: int) -> None:
        """A row was worked on with this model."""
        share = self.by_model.setdefault(model, ModelShare())
        share.rows += 1
        share.verified += verified
        share.usd += usd
        share.tokens += tokens

    @property
    def rate(self) -> float:
        """Rows a second, lately; 0 before there are any."""
        if not self._ends or self._started is None:
            return 0.0
        full = len(self._ends) == _RECENT
        seconds = self.clock() - (self._ends[0] if full else self._started)
        return len(self._ends) / seconds if seconds > 0 else 0.0

    @property
    def time_left(self) -> Range | None:
        """Seconds until the last row; None where it is not known how many rows there are, or before any has ended."""
        if self.total is None or not self.rate or not self._ends:
            return None
        mean = max(self.total - self.done, 0) / self.rate
        around = mean * _Z / math.sqrt(len(self._ends))
        return Range(max(mean - around, 0.0), mean, mean + around)


@dataclass(slots=True)
class ModelShare:
    """What one model of a cascade did."""

    rows: int = 0
    verified: int = 0
    usd: float = 0.0
    tokens: int = 0
