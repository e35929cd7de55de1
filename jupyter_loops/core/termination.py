"""Why a run ended. Ends are values; faults are exceptions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import Future


class StopReason(StrEnum):
    """The one vocabulary of ends, the same in Python, SQL and TypeScript."""

    VERIFIED = "verified"
    ITERATIONS = "iterations"
    BUDGET_USD = "budget_usd"
    BUDGET_TOKENS = "budget_tokens"
    BUDGET_TIME = "budget_time"
    BUDGET_CALLS = "budget_calls"
    PLATEAU = "plateau"
    REPETITION = "repetition"
    OSCILLATION = "oscillation"
    FORECAST = "forecast"
    BREAKER_OPEN = "breaker_open"
    REFUSED = "refused"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Termination:
    """How a run ended, in one sentence that carries its numbers."""

    reason: StopReason
    message: str

    @property
    def verified(self) -> bool:
        """Whether the run produced a candidate that passed every check."""
        return self.reason is StopReason.VERIFIED


class WithTermination:
    """Tells how what has a future ended."""

    future: Future[Termination]

    @property
    def termination(self) -> Termination | None:
        """How it ended, or None while it goes on or when it failed before it began."""
        if not self.future.done() or self.future.cancelled() or self.error is not None:
            return None
        return self.future.result()

    @property
    def error(self) -> BaseException | None:
        """The exception that ended it, if it did not end with a Termination."""
        if not self.future.done() or self.future.cancelled():
            return None
        return self.future.exception()
