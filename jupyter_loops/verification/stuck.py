"""Detectors of a run that is stuck. They take one round at a time; a round's cost does not grow with the run.

What repeats is the action together with its result: the same proposal with a new result is progress. A proposal is
known by its digest, which does not see how it is written down (digest.py).
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from jupyter_loops.core.ports import IterationSummary, StuckFinding
from jupyter_loops.core.termination import StopReason

from .plateau import PlateauDetector

REPEATS = 3  # the same proposal with the same result, in a row: from then on each further one is a rung
LONGEST_PERIOD = 4
LAST = 4  # rung: the run is ended
_Key = tuple[str, str, float | None]  # digest, outcome, score


class Detectors:
    """Repetition, oscillation and plateau of one run."""

    def __init__(self, patience: int | None = None) -> None:
        self._tail: deque[_Key] = deque(maxlen=2 * LONGEST_PERIOD)
        self._same = 0  # rounds in a row that were like the last
        self._turning = dict.fromkeys(range(2, LONGEST_PERIOD + 1), 0)  # rounds that the cycle has gone on
        self._plateau = PlateauDetector(patience)

    def take(self, turn: IterationSummary) -> StuckFinding | None:
        """Add a round. The finding of the surest detector that fires, with the highest rung of all that fire."""
        key = (turn.digest, turn.outcome, turn.score)
        self._same = self._same + 1 if self._tail and self._tail[-1] == key else 1
        self._tail.append(key)
        tail = list(self._tail)
        turning = [self._turn(tail[-2 * period :], period) for period in self._turning]
        flat = self._plateau.take(turn)
        findings = [finding for finding in (self._repeating(turn), *turning, flat) if finding is not None]
        return replace(findings[0], rung=max(finding.rung for finding in findings)) if findings else None

    def _repeating(self, turn: IterationSummary) -> StuckFinding | None:
        if self._same < REPEATS:
            return None
        what = "proposals were the same and came out the same" if turn.digest else "answers held no candidate"
        message = f"the last {self._same} {what}"
        return StuckFinding(StopReason.REPETITION, message, min(self._same - REPEATS + 1, LAST))

    def _turn(self, tail: list[_Key], period: int) -> StuckFinding | None:
        """The same `period` proposals with the same outcomes, twice over."""
        turns = len(tail) == 2 * period and tail[:period] == tail[period:] and len(set(tail)) > 1
        self._turning[period] = self._turning[period] + 1 if turns else 0
        if not turns:
            return None
        rounds = 2 * period - 1 + self._turning[period]
        message = f"the last {rounds} rounds went through the same {period} proposals again and again"
        return StuckFinding(StopReason.OSCILLATION, message, min(self._turning[period], LAST))
