"""A run that no longer improves, with the noise of a score taken into account.

Of the last `patience` rounds none was better than the best before them. Progress is exact. A score may be noisy, and
then a new best may be luck, and a slow rise may hide in the noise. So the noise is estimated from the differences of
neighbouring rounds (their median over 0.954, which is the standard deviation where it is normal, and does not see
single jumps). A new best counts when it is above the old one by more than two standard deviations. And where, of the
last `2 * patience` rounds, the later half is above the earlier half by more than two standard errors, the run is
rising, whatever its best is (Student's t for two means, with one common deviation). Where there is noise, the run goes
on until there are that many rounds. Below four rounds, or without noise, any new best counts.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from statistics import fmean, median

from jupyter_loops.core.amount import counted
from jupyter_loops.core.ports import IterationSummary, StuckFinding
from jupyter_loops.core.termination import StopReason

ENOUGH = 4  # rounds from which noise is estimated
SIGMAS, RISING = 2.0, 2.0  # standard deviations of a new best, standard errors of a rise
_NORMAL = 0.954  # median of |difference| of two normal values, in standard deviations
_LAST = 4  # rung


class PlateauDetector:
    """One run's search for a better round; None as patience never fires."""

    def __init__(self, patience: int | None) -> None:
        self._patience = patience
        self._best: IterationSummary | None = None  # the one to beat
        self._since = 0
        self._scores = _Series(patience or 1)

    def take(self, turn: IterationSummary) -> StuckFinding | None:
        """Add a round. Each quarter of the patience that is used up is a rung."""
        if self._patience is None:
            return None
        rose = turn.score is not None and self._scores.take(turn.score)
        if self._best is None or turn.progress > self._best.progress or (rose and _key(turn) > _key(self._best)):
            self._best, self._since = turn, 0
            return None
        self._since = 0 if self._scores.is_rising() else self._since + 1
        last = _LAST if self._scores.is_conclusive() else _LAST - 1
        rung = min(_LAST * self._since // self._patience, last)
        return StuckFinding(StopReason.PLATEAU, self._words(self._best), rung) if rung else None

    def _words(self, best: IterationSummary) -> str:
        reached = f"progress {best.progress:.0%}" + ("" if best.score is None else f", score {abs(best.score):g}")
        noise = self._scores.noise()
        about = f" (noise ± {noise:.2g})" if noise else ""
        return f"no better in {counted(self._since, 'round')}: round {best.iteration} had {reached}{about}"


class _Series:
    """The last scores, and the best of all."""

    def __init__(self, window: int) -> None:
        self._window: deque[float] = deque(maxlen=max(2 * window, ENOUGH))
        self._best = float("-inf")

    def take(self, value: float) -> bool:
        """Whether the value is above the best by more than noise."""
        rose = value > self._best + SIGMAS * self.noise() if self._window else True
        self._window.append(value)
        if rose:
            self._best = value
        return rose

    def noise(self) -> float:
        """One standard deviation, estimated; 0 where there is too little to estimate from."""
        steps = [later - earlier for earlier, later in pairwise(self._window)]
        if len(self._window) < ENOUGH or min(steps) >= 0:  # what never falls has no noise
            return 0.0
        return median(map(abs, steps)) / _NORMAL

    def is_conclusive(self) -> bool:
        """Whether the window is full, or need not be because there is no noise."""
        return not self.noise() or len(self._window) == self._window.maxlen

    def is_rising(self) -> bool:
        """Whether the later half of the window is above the earlier half by more than noise."""
        half, noise = len(self._window) // 2, self.noise()
        if not noise:
            return False
        values = list(self._window)
        gain = fmean(values[-half:]) - fmean(values[:half])
        return bool(gain > RISING * noise * (2 / half) ** 0.5)


def _key(turn: IterationSummary) -> tuple[float, float]:
    return turn.progress, float("-inf") if turn.score is None else turn.score
