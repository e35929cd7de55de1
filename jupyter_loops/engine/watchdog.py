"""Ends a run that takes no step: a guard against bugs, and against calls that never return."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from jupyter_loops.core.state import State

from .state_machine import StateMachine

_UNTIMED = frozenset({State.PREPARE, State.WAIT, State.END})  # the set-up has its own time, and so has a person
_TRIAL = frozenset({State.EXECUTE, State.OBSERVE, State.VERIFY})
_POLL_SECONDS = 0.05  # the least seconds between two looks


@dataclass(slots=True)
class Watchdog:
    """Watches the state machine of one run. WAIT, and a candidate within its own limits, never trigger it."""

    machine: StateMachine
    seconds: float | None  # without a step; None: no limit
    trial_seconds: float  # seconds that a candidate and its checks may take besides
    end_run: Callable[[], object]
    tool_seconds: float = 0.0  # seconds that a tool may take besides
    message: str = ""  # why it ended the run; empty otherwise

    async def watch(self) -> None:
        """Watch until cancelled, or until it has ended the run."""
        while self.seconds is not None:
            state, remaining = self.machine.state, self._allowed(self.seconds) - self.machine.idle
            if remaining <= 0 and state not in _UNTIMED:
                self.message = f"watchdog: no step for {self.machine.idle:.0f} s in {state}"
                self.end_run()
                return
            pause = self.seconds / 4 if state in _UNTIMED else remaining
            await asyncio.sleep(max(pause, _POLL_SECONDS))

    def _allowed(self, seconds: float) -> float:
        tool_seconds = self.tool_seconds if self.machine.state is State.PLAN else 0.0
        return seconds + tool_seconds + (self.trial_seconds if self.machine.state in _TRIAL else 0.0)
