"""Ends a run that takes no step: a guard against bugs, and against calls that never return."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from jupyter_loops.core.state import State

from .state_machine import StateMachine

_UNTIMED = frozenset({State.PREPARE, State.WAIT, State.END})  # the set-up has its own time, and so has a person
_TRYING = frozenset({State.EXECUTE, State.OBSERVE, State.VERIFY})
_LOOK = 0.05  # the least seconds between two looks


@dataclass(slots=True)
class Watchdog:
    """Watches the state machine of one run. WAIT, and a candidate within its own limits, never trigger it."""

    machine: StateMachine
    seconds: float | None  # without a step; None: it never bites
    trying: float  # seconds that a candidate and its checks may take besides
    bite: Callable[[], object]  # ends the run
    calling: float = 0.0  # seconds that a tool may take besides
    message: str = ""  # why it ended the run; empty otherwise

    async def watch(self) -> None:
        """Until cancelled, or until it has bitten."""
        while self.seconds is not None:
            state, remaining = self.machine.state, self._allowed(self.seconds) - self.machine.idle
            if remaining <= 0 and state not in _UNTIMED:
                self.message = f"watchdog: no step for {self.machine.idle:.0f} s in {state}"
                self.bite()
                return
            await asyncio.sleep(max(remaining, _LOOK) if state not in _UNTIMED else max(self.seconds / 4, _LOOK))

    def _allowed(self, seconds: float) -> float:
        calling = self.calling if self.machine.state is State.PLAN else 0.0
        return seconds + calling + (self.trying if self.machine.state in _TRYING else 0.0)
