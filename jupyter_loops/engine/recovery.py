"""What to do when a call fails: one policy an error class, one table."""

from __future__ import annotations

import random
from dataclasses import dataclass

from jupyter_loops.core.termination import StopReason
from jupyter_loops.errors import BreakerError, ErrorClass, LoopError, ModelError


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How often a class of faults is retried, how long to wait before, and how the run ends otherwise.

    Where another model is named, it is asked before the run ends, if `falls_back`.

    Waits are exponential with full jitter: uniform in [0, min(cap, base · 2^n)], see M. Brooker,
    "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """

    retries: int = 0
    base: float = 0.5  # seconds
    cap: float = 30.0  # seconds
    ends: StopReason = StopReason.ERROR
    falls_back: bool = True

    def wait(self, tries: int, fault: ModelError) -> float:
        """Seconds to wait before the next try; a provider's Retry-After is a lower bound."""
        jitter = random.uniform(0, min(self.cap, self.base * 2**tries))  # noqa: S311  # no secret depends on it
        return jitter if fault.retry_after is None else fault.retry_after + jitter


POLICIES: dict[ErrorClass, Policy] = {
    ErrorClass.TRANSIENT: Policy(retries=4, base=0.5, cap=8.0),
    ErrorClass.RATE_LIMITED: Policy(retries=6, base=1.0, cap=60.0),
    ErrorClass.CONTEXT_OVERFLOW: Policy(retries=2, base=0.0),  # the planner is given half the window
    ErrorClass.AUTH: Policy(),
    ErrorClass.BAD_REQUEST: Policy(),
    ErrorClass.REFUSED: Policy(ends=StopReason.REFUSED),
    ErrorClass.MALFORMED: Policy(retries=1, base=0.0),
    ErrorClass.TRUNCATED: Policy(retries=1, base=0.0),
    ErrorClass.JUDGE: Policy(retries=1, base=0.0),  # asked once more, then the run ends: never a pass
}


def reason(error: LoopError) -> StopReason:
    """How a run ends that an error ends."""
    if isinstance(error, BreakerError):
        return StopReason.BREAKER_OPEN
    return POLICIES[error.kind].ends if isinstance(error, ModelError) else StopReason.ERROR
