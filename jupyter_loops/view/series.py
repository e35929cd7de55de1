"""The progress of a run as a line of bounded length."""

from __future__ import annotations

from typing import Any

_POINTS = 400


class Series:
    """[round, progress, best so far, mark, score, best score so far] a round; scores are None where there are none.

    When it grows long, rounds without a change are thinned.
    """

    def __init__(self) -> None:
        self.points: list[list[Any]] = []

    def add(self, n: int, progress: float, mark: str, score: float | None = None, *, best: bool) -> None:
        """A round is over."""
        _, _, before, _, _, best_score = self.points[-1] if self.points else (0, 0.0, 0.0, "", None, None)
        reached = [progress if best else max(before, 0.0), mark, score, score if best else best_score]
        self.points = [*self.points, [n, progress, *reached]]
        if len(self.points) > _POINTS:
            thinned = [point for at, point in enumerate(self.points) if at % 2 == 0 or point[1] == point[2]]
            self.points = (thinned if len(thinned) < _POINTS else thinned[::2])[-_POINTS:]
