"""Is a run getting nowhere. Pure functions over its rounds."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_loops.core.ports import Round
from jupyter_loops.core.termination import StopReason, Termination

REPEATS = 6  # the same proposal with the same result, in a row: the sampling ladder has six steps, let it try them
LONGEST_PERIOD = 4


def stuck(rounds: Sequence[Round], patience: int | None) -> Termination | None:
    """The first detector that fires, from the surest to the softest."""
    return repetition(rounds) or oscillation(rounds) or plateau(rounds, patience)


def repetition(rounds: Sequence[Round], repeats: int = REPEATS) -> Termination | None:
    """The same digest and the same outcome, `repeats` times in a row."""
    tail = [(turn.digest, turn.outcome) for turn in rounds[-repeats:]]
    if len(tail) < repeats or len(set(tail)) > 1:
        return None
    what = "proposals were the same and came out the same" if tail[0][0] else "answers held no candidate"
    return Termination(StopReason.REPETITION, f"the last {repeats} {what}; try a hint, or another model")


def oscillation(rounds: Sequence[Round]) -> Termination | None:
    """The same 2, 3 or 4 proposals with the same outcomes, twice over."""
    for period in range(2, LONGEST_PERIOD + 1):
        tail = [(turn.digest, turn.outcome) for turn in rounds[-2 * period :]]
        if len(tail) == 2 * period and tail[:period] == tail[period:] and len(set(tail)) > 1:
            message = f"the last {2 * period} rounds went through the same {period} proposals twice"
            return Termination(StopReason.OSCILLATION, f"{message}; try a hint, or another model")
    return None


def plateau(rounds: Sequence[Round], patience: int | None) -> Termination | None:
    """No round of the last `patience` improved on the best progress, or on its score."""
    if patience is None or len(rounds) <= patience:
        return None
    keys = [_key(turn) for turn in rounds]
    best = max(range(len(keys)), key=lambda place: (keys[place], -place))  # the earliest of the best
    if len(rounds) - 1 - best < patience:
        return None
    found = rounds[best]
    reached = f"progress {found.progress:.0%}" + ("" if found.score is None else f", score {abs(found.score):g}")
    message = f"no better in {len(rounds) - 1 - best} rounds: round {found.iteration} had {reached}"
    return Termination(StopReason.PLATEAU, message)


def _key(turn: Round) -> tuple[float, float]:
    return turn.progress, float("-inf") if turn.score is None else turn.score
