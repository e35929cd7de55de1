"""What all parts of a run share: control, ledger, recorder, state machine, and the time limit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from jupyter_loops.core.events import RunSteered
from jupyter_loops.core.state import NEAR_LIMIT, OTHERS, PAUSED, State

from .control import Control
from .event_recorder import EventRecorder
from .ledger import Ledger
from .restored_state import RestoredState
from .state_machine import StateMachine

T = TypeVar("T")


@dataclass(slots=True)
class RunContext:
    """Moves the state machine, and applies what a person asked for between its steps."""

    control: Control
    ledger: Ledger
    recorder: EventRecorder
    machine: StateMachine = field(init=False)
    alarms: list[tuple[asyncio.Timeout, float]] = field(init=False, default_factory=list)  # seconds before the limit
    iteration: int = field(init=False, default=0)
    still: bool = field(init=False, default=False)  # no time limit runs while the run waits
    hints: list[str] = field(init=False, default_factory=list)
    wishes: dict[str, Any] = field(init=False, default_factory=dict)  # model, temperature, max_tokens; None: as planned

    def __post_init__(self) -> None:
        self.machine = StateMachine(self.recorder.say)

    async def move(self, to: State, note: str = "") -> None:
        """Apply what a person asked for, then step."""
        await self._listen()
        self.machine.move(to, self.iteration, note)

    async def enter(self, to: State) -> None:
        """The same, written with the event that follows, where nothing acts on the step before."""
        await self._listen()
        self.recorder.with_next(self.machine.step(to, self.iteration))

    async def _listen(self) -> None:
        """Take what a person did, and wait while the run is paused."""
        self.steer()
        if self.control.paused:
            async with self.waiting(NEAR_LIMIT if self.control.at_limit else PAUSED):
                while self.control.paused:
                    await self.control.changed()
                    self.steer()
                self.steer()  # what was done between the last look and the word to go on

    @asynccontextmanager
    async def waiting(self, why: str) -> AsyncIterator[None]:
        """WAIT inside the block, for a person or for other runs; this time does not count."""
        self.machine.move(State.WAIT, self.iteration, why)
        self.still = True
        try:
            with self.ledger.watch.paused():
                self._set_alarm(None)
                yield
        finally:
            self.still = False
            self.machine.move(self.machine.origin, self.iteration, f"{why}: over")
        self._set_alarm(self.ledger.remaining_seconds)

    @asynccontextmanager
    async def behind_others(self) -> AsyncIterator[None]:
        """Wait inside the block until the kernel's other runs leave room for a candidate."""
        if self.machine.state is State.WAIT:
            with self.uncounted():
                yield
            return
        async with self.waiting(OTHERS):
            yield

    @contextmanager
    def uncounted(self) -> Iterator[None]:
        """Wait inside the block without a change of state; this time does not count."""
        try:
            with self.ledger.watch.paused():
                self._set_alarm(None)
                yield
        finally:
            self._set_alarm(None if self.still else self.ledger.remaining_seconds)

    @contextmanager
    def starting(self) -> Iterator[None]:
        """Inside the block the run starts up, which does not count as its time."""
        self.still = True
        try:
            with self.uncounted():
                yield
        finally:
            self.still = False
        self._set_alarm(self.ledger.remaining_seconds)

    async def back_off(self, seconds: float, why: str) -> None:
        """Wait before a call is tried again; this time counts."""
        self.machine.move(State.WAIT, self.iteration, f"{seconds:.1f} s, {why}")
        try:
            await asyncio.sleep(seconds)
        finally:
            self.machine.move(self.machine.origin, self.iteration)

    async def within_time(self, work: Coroutine[Any, Any, T], before: float = 0.0) -> T:
        """Await `work` until so many seconds before the time limit, which may move meanwhile. Raises TimeoutError."""
        remaining = self.ledger.remaining_seconds
        async with asyncio.timeout(None if remaining is None else remaining - before) as alarm:
            self.alarms.append((alarm, before))
            try:
                return await work
            finally:
                self.alarms.pop()

    def _set_alarm(self, seconds: float | None) -> None:
        """Let them go off when the time limit is so many seconds away, or not at all."""
        for alarm, before in self.alarms:
            if not alarm.expired():
                now = asyncio.get_running_loop().time()
                alarm.reschedule(None if seconds is None else now + seconds - before)

    def steer(self) -> None:
        """Carry out what a person asked for since the last step."""
        for steer in self.control.take_steers():
            self._obey(steer.action, steer.value)
            self.recorder.say(RunSteered(iteration=self.iteration, action=steer.action, value=steer.value))

    def restore(self, restored: RestoredState) -> None:
        """Take up what was spent before, and what a person had asked for."""
        self.ledger.restore(restored.usage)
        for steer in restored.steers:
            self._obey(steer.action, steer.value)
        self._set_alarm(self.ledger.remaining_seconds)

    def _obey(self, action: str, value: Any) -> None:
        if action == "hint":
            self.hints.append(value)
        elif action == "budget":
            self.ledger.amend(**value)
            self._set_alarm(None if self.still else self.ledger.remaining_seconds)
        elif action == "set":
            self.wishes |= value
