"""What to do when something fails: one table with one policy for each error class.

The waiting is our own few lines and not a library's: every wait is a state of the run that a person sees, a pause
and a stop reach into, and the run's clock bounds; each try is reserved and settled by itself.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum

from jupyter_loops.core.termination import StopReason
from jupyter_loops.errors import BreakerError, BudgetError, ErrorClass, LoopError, ModelError, SandboxError

from .ledger import Ledger

LONGEST = 900.0  # seconds of one wait, where no time limit bounds it


class Action(StrEnum):
    """What comes first when a fault of a class is met."""

    RETRY = "retry"  # the same again, after a wait
    SHRINK = "shrink"  # again with half of the prompt
    NEXT_ROUND = "next round"  # the model is told what was wrong
    STOP = "stop"  # it would only fail again


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How often a class of faults is retried, how long to wait before, and how the run ends otherwise.

    Where another model is named, it is asked before a call's fault ends the run, whatever its class.

    Waits are exponential with full jitter: uniform in [0, min(cap, base · 2^n)], see M. Brooker,
    "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """

    action: Action = Action.STOP
    retries: int = 0
    base: float = 0.0  # seconds
    cap: float = 60.0  # seconds
    ends: StopReason | None = StopReason.ERROR  # None: the loop goes on, or the limit has a reason of its own

    def wait(self, tries: int, retry_after: float | None = None) -> float:
        """Seconds to wait before the next try; a provider's Retry-After is a lower bound."""
        jitter = random.uniform(0, min(self.cap, self.base * 2**tries))  # noqa: S311  # no secret depends on it
        return (retry_after or 0.0) + jitter


POLICIES: dict[ErrorClass, Policy] = {
    # of a call
    ErrorClass.TRANSIENT: Policy(action=Action.RETRY, retries=4, base=0.5, cap=8.0),
    ErrorClass.RATE_LIMITED: Policy(action=Action.RETRY, retries=6, base=1.0, cap=60.0),
    ErrorClass.CONTEXT_OVERFLOW: Policy(action=Action.SHRINK, retries=2),
    ErrorClass.AUTH: Policy(),
    ErrorClass.BAD_REQUEST: Policy(),
    ErrorClass.REFUSED: Policy(ends=StopReason.REFUSED),
    ErrorClass.MALFORMED: Policy(action=Action.RETRY, retries=1),
    ErrorClass.JUDGE: Policy(action=Action.RETRY, retries=1),  # asked once more, then the run ends: never a pass
    # of a round
    ErrorClass.TRUNCATED: Policy(action=Action.NEXT_ROUND, ends=None),
    ErrorClass.CANDIDATE: Policy(action=Action.NEXT_ROUND, ends=None),
    ErrorClass.CHECK: Policy(action=Action.NEXT_ROUND, ends=None),
    ErrorClass.SANDBOX: Policy(action=Action.RETRY, retries=1),  # the same candidate in a new child
    # of the run
    ErrorClass.BUDGET: Policy(ends=None),
}


def reason(error: LoopError) -> StopReason:
    """How a run ends that an error ends."""
    if isinstance(error, BreakerError):
        return StopReason.BREAKER_OPEN
    ends = POLICIES[error.kind].ends if isinstance(error, ModelError) else None
    return ends or StopReason.ERROR


def class_of(error: LoopError) -> str:
    """The ErrorClass of an error that ends a round; empty where it has none."""
    if isinstance(error, ModelError):
        return error.kind
    return ErrorClass.SANDBOX if isinstance(error, SandboxError) else ""


class Patience:
    """How often one question was tried, each class of faults counted by itself.

    `last`: there is no other model to fall back to.
    """

    def __init__(self, ledger: Ledger, *, last: bool = True) -> None:
        self._ledger, self._last = ledger, last
        self._tries = defaultdict[ErrorClass, int](int)

    def after(self, fault: ModelError) -> tuple[float, str]:
        """Seconds to wait before the next try, and why, for a person to read.

        Raises the fault where its policy is used up, and BudgetError where the wait would outlast the run.
        """
        policy, tries = POLICIES[fault.kind], self._tries[fault.kind]
        seconds = policy.wait(tries, fault.retry_after)
        self._spend(fault, seconds)
        return seconds, f"try {tries + 2} of {policy.retries + 1}, {fault.kind}: {fault.message}"

    def before_probe(self, shut: BreakerError) -> tuple[float, str]:
        """The same for a breaker that is open. Raises it where its pause is too long to wait for."""
        if not self._last or shut.seconds > POLICIES[shut.kind].cap:
            raise shut
        self._spend(shut, shut.seconds)
        return shut.seconds, str(shut)

    def _spend(self, fault: ModelError, seconds: float) -> None:
        """Count one more try, and see that the wait before it fits into the run's time."""
        remaining = self._ledger.remaining_seconds
        if self._tries[fault.kind] >= POLICIES[fault.kind].retries or (remaining is None and seconds > LONGEST):
            raise fault
        if remaining is not None and seconds >= remaining:
            raise BudgetError("seconds", seconds, remaining, cause=str(fault)) if self._last else fault
        self._tries[fault.kind] += 1
