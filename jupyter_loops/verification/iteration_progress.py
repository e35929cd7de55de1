"""How far a candidate is, as one number."""

from __future__ import annotations

import math
from collections.abc import Sequence

from jupyter_loops.core.candidate import Metric, Verdict
from jupyter_loops.core.recipe import Recipe

NEAR_MISS = 0.5  # the most that a failed check adds


def progress(recipe: Recipe, verdicts: Sequence[Verdict]) -> float:
    """The mean over all checks of what each adds: 1 when passed, else up to one half for being near.

    A failed check with a metric adds `0.5 / (1 + gap / scale)`, where gap is the distance from value
    to target and scale is `max(1, |target|)`: it falls as the distance grows, and never reaches what
    passing adds. A check that did not run adds nothing, so every check has to pass for 1.
    """
    by_index = {verdict.index: verdict for verdict in verdicts if verdict.index}
    if not recipe.checks:
        return 0.0
    return sum(_share(by_index.get(number)) for number in range(1, len(recipe.checks) + 1)) / len(recipe.checks)


def _share(verdict: Verdict | None) -> float:
    if verdict is None:
        return 0.0
    if verdict.passed:
        return 1.0
    return NEAR_MISS * closeness(verdict.metric) if verdict.metric else 0.0


def closeness(metric: Metric) -> float:
    """1 at the target, towards 0 far from it; 0 without a target or with a value that is no number."""
    if metric.target is None or not math.isfinite(metric.value) or not math.isfinite(metric.target):
        return 0.0
    return 1.0 / (1.0 + abs(metric.value - metric.target) / max(1.0, abs(metric.target)))
