"""How a model is asked: steady at first, bolder the longer nothing works."""

from __future__ import annotations

from dataclasses import dataclass

from jupyter_loops.core.memory import Memory
from jupyter_loops.core.message import Sampling

LADDER = (0.2, 0.3, 0.4, 0.6, 0.8, 1.0)  # by rounds in a row without progress; the last holds from there on
BOLDER = 0.3  # on top, where nothing has helped
WARMER = 0.2  # on top, for each answer of the round that repeated an earlier one
_APART = 1_000_003  # between the seeds of two answers in one round
MAX_TOKENS = 2048  # of an answer
TIMEOUT = 120.0  # seconds of a call


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Sampling of each round. What a person set stays set; None is left to the schedule.

    The seed moves with the round: the same seed and prompt would give the same answer again.
    """

    temperature: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    timeout: float | None = None

    def at(self, memory: Memory) -> Sampling:
        """The sampling for the round that `memory` describes."""
        step = min(max(memory.stuck, 0 if memory.iteration <= 1 else 1), len(LADDER) - 1)
        warmth = LADDER[step] + BOLDER * memory.bold + WARMER * memory.repeats
        return Sampling(
            temperature=warmth if self.temperature is None else self.temperature,
            max_tokens=MAX_TOKENS if self.max_tokens is None else self.max_tokens,
            seed=None if self.seed is None else self.seed + memory.iteration - 1 + _APART * memory.repeats,
            timeout=TIMEOUT if self.timeout is None else self.timeout,
        )
