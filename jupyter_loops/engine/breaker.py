"""Circuit breakers: no loop of the kernel calls a model that keeps failing until a pause is over.

One breaker for each (model, error class). After so many faults in a row it opens: nobody asks until its pause is
over. Then it is half-open, and one call goes through as a probe; if that meets the same fault the pause doubles,
and anything else closes the breaker. The pattern is M. Nygard's, "Release It!", 2007, chapter 5.2.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from jupyter_loops.errors import BreakerError, ErrorClass

PAUSE = 5.0  # seconds that a breaker stays open at first
LONGEST = 300.0  # seconds, however often its probe failed

# Faults of an endpoint, and how many in a row open its breaker. What is missing here is a fault of one question.
THRESHOLDS: dict[ErrorClass, int] = {
    ErrorClass.TRANSIENT: 5,
    ErrorClass.RATE_LIMITED: 7,
    ErrorClass.AUTH: 3,
    ErrorClass.MALFORMED: 4,
}


class Phase(StrEnum):
    """What a breaker lets through: everything, nothing, one probe."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """The state of one breaker."""

    model: str
    endpoint: str
    fault: ErrorClass
    phase: Phase = Phase.CLOSED
    failures: int = 0  # in a row
    pause: float = 0.0  # seconds from its opening to the probe
    opened: float = 0.0  # on the clock of its Breakers
    openings: int = 0  # ever


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A breaker that changed its phase."""

    before: Phase
    breaker: Breaker


@dataclass(frozen=True, slots=True)
class Pass:
    """Permission for one call; `probes` are the faults that it probes."""

    model: str
    endpoint: str
    probes: tuple[ErrorClass, ...] = ()


class Breakers:
    """All breakers of a kernel. Thread-safe; a check takes microseconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._all: dict[tuple[str, str], dict[ErrorClass, Breaker]] = {}
        self._lock = threading.Lock()

    def admit(self, model: str, endpoint: str = "") -> tuple[Pass, list[Step]]:
        """Permission for one call. Raises BreakerError while a breaker of this model is open or probed."""
        with self._lock:
            by_fault = self._all.get((model, endpoint))
            if not by_fault:
                return Pass(model, endpoint), []
            shut = [breaker for breaker in by_fault.values() if breaker.phase is not Phase.CLOSED]
            for breaker in shut:
                wait = breaker.opened + breaker.pause - self._clock()
                if breaker.phase is Phase.HALF_OPEN or wait > 0:
                    raise BreakerError(model, breaker.fault, breaker.failures, max(wait, 0.0))
            steps = [self._change(breaker, phase=Phase.HALF_OPEN) for breaker in shut]
            return Pass(model, endpoint, tuple(breaker.fault for breaker in shut)), steps

    def answered(self, leave: Pass) -> list[Step]:
        """The call was answered: the count of failures starts at zero again."""
        with self._lock:
            by_fault = self._all.get((leave.model, leave.endpoint), {})
            steps = [self._change(breaker, phase=Phase.CLOSED, failures=0) for breaker in [*by_fault.values()]]
            return [step for step in steps if step.before is not Phase.CLOSED]

    def failed(self, leave: Pass, fault: ErrorClass) -> list[Step]:
        """The call failed. The fault counts for its own breaker, and closes the other breakers that the call probed."""
        if fault not in THRESHOLDS:  # the endpoint is there, and did not like the question
            return self.answered(leave)
        with self._lock:
            by_fault = self._all.setdefault((leave.model, leave.endpoint), {})
            others = [by_fault[probed] for probed in leave.probes if probed is not fault]
            steps = [self._change(breaker, phase=Phase.CLOSED, failures=0) for breaker in others]
            breaker = by_fault.get(fault) or Breaker(model=leave.model, endpoint=leave.endpoint, fault=fault)
            steps.append(self._count(breaker, probe=fault in leave.probes))
            return [step for step in steps if step.before is not step.breaker.phase]

    def abandoned(self, leave: Pass) -> list[Step]:
        """The call was cancelled, which proves nothing: the next call may be the probe."""
        with self._lock:
            by_fault = self._all.get((leave.model, leave.endpoint), {})
            return [self._change(by_fault[probed], phase=Phase.OPEN) for probed in leave.probes]

    def all(self) -> list[Breaker]:
        """Every breaker that has ever counted a fault, open ones first."""
        with self._lock:
            breakers = [breaker for by_fault in self._all.values() for breaker in by_fault.values()]
        return sorted(breakers, key=lambda breaker: (breaker.phase is Phase.CLOSED, breaker.model, breaker.fault))

    def seconds_to_probe(self, breaker: Breaker) -> float:
        """Seconds until its probe may start."""
        return max(breaker.opened + breaker.pause - self._clock(), 0.0) if breaker.phase is Phase.OPEN else 0.0

    def _count(self, breaker: Breaker, *, probe: bool) -> Step:
        failures = breaker.failures + 1
        if breaker.phase is Phase.CLOSED and failures < THRESHOLDS[breaker.fault]:
            return self._change(breaker, phase=Phase.CLOSED, failures=failures)
        if not probe and breaker.phase is not Phase.CLOSED:  # a call that left before it opened
            return self._change(breaker, phase=breaker.phase, failures=failures)
        pause = min(breaker.pause * 2, LONGEST) if probe else PAUSE
        return self._change(breaker, phase=Phase.OPEN, failures=failures, pause=pause, opened=self._clock())

    def _change(self, breaker: Breaker, **changes: Any) -> Step:
        after = replace(breaker, openings=breaker.openings + ("opened" in changes), **changes)
        self._all[breaker.model, breaker.endpoint][breaker.fault] = after
        return Step(before=breaker.phase, breaker=after)


SHARED = Breakers()  # of this kernel
