"""How a person controls a run while it goes on. Every method may be called from any thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jupyter_loops.core.host_question import Approval
from jupyter_loops.core.termination import StopReason
from jupyter_loops.errors import LoopError


@dataclass(frozen=True, slots=True)
class Steer:
    """One action of a person."""

    action: str  # pause, resume, step, stop, finish, hint, budget, set, approve, reject
    value: Any = None


class Control:
    """Flags that the cycle looks at between its phases; only a stop acts at once."""

    def __init__(self) -> None:
        self.stopping: StopReason | None = None
        self.paused = False
        self.at_limit = False  # paused by the run itself, near a limit
        self.finishing = False  # the round that goes on is the last
        self.waiting: Approval | None = None  # for a person's word
        self._word: tuple[bool, str] | None = None
        self._stepping = False
        self._steers: list[Steer] = []
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._cancel: Callable[[], object] = lambda: None
        self._changed = asyncio.Event()

    def attach(self, task: asyncio.Task[Any]) -> None:
        """Set the task that a stop cancels. Called by the cycle, on its event loop."""
        self._loop, self._cancel = task.get_loop(), task.cancel
        if self.stopping:
            task.cancel()

    def detach(self) -> None:
        """Let what has come to its end clean up: a stop from now on changes nothing. Called on its event loop."""
        self._cancel = lambda: None

    def stop(self, reason: StopReason = StopReason.STOPPED) -> None:
        """End the run now; what is running is killed."""
        with self._lock:
            if self.stopping:
                return
            self.stopping = reason
        self._note("stop", reason.value, lambda: self._cancel())  # noqa: PLW0108  # as it is by then

    def finish(self) -> None:
        """End after the round that goes on; what is running is not thrown away."""
        self.finishing, self.paused, self.at_limit = True, False, False
        self._note("finish")

    def pause(self) -> None:
        """Wait before the next phase."""
        self.paused = True
        self._note("pause")

    def ask_at_limit(self) -> None:
        """Wait before the next phase for a person, as the run itself asks. Called by the cycle."""
        self.paused = self.at_limit = True

    def resume(self) -> None:
        """Go on."""
        self.paused = self._stepping = self.at_limit = False
        self._note("resume")

    def step(self) -> None:
        """Go on to the end of one round, then pause."""
        self.paused, self._stepping, self.at_limit = False, True, False
        self._note("step")

    def hint(self, text: str) -> None:
        """Tell the model something from the next round on."""
        self._note("hint", text)

    def budget(self, limits: dict[str, float | None]) -> None:
        """Change limits, from the next phase on."""
        self._note("budget", limits)

    def set(self, changes: dict[str, Any]) -> None:
        """Change how the model is asked, or which, from the next round on."""
        self._note("set", changes)

    def approve(self, comment: str = "", number: int | None = None) -> None:
        """Accept the value that waits; `number` is that of the approval meant. Raises LoopError where none waits."""
        self._answer("approve", comment, number)

    def reject(self, comment: str = "", number: int | None = None) -> None:
        """Refuse the value that waits; the comment is feedback for the next round. Raises LoopError."""
        self._answer("reject", comment, number)

    def ask(self, approval: Approval | None) -> None:
        """Set the value that waits for a person, or None. Called by the cycle."""
        with self._lock:
            self.waiting, self._word = approval, None

    def answered(self) -> tuple[bool, str] | None:
        """Whether it is approved, and the comment; None while nobody has answered."""
        return self._word

    def _answer(self, action: str, comment: str, number: int | None) -> None:
        with self._lock:
            if self.waiting is None or self._word is not None:
                raise LoopError("nothing waits for approval")
            if number is not None and number != self.waiting.number:
                raise LoopError("what you saw no longer waits for approval; look at what waits now")
            self._word = (action == "approve", comment)
        self._note(action, comment or None)

    def round_over(self) -> None:
        """Pause if only one round was asked for."""
        if self._stepping:
            self._stepping, self.paused = False, True

    def take_steers(self) -> list[Steer]:
        """The actions since the last call."""
        with self._lock:
            steers, self._steers = self._steers, []
        return steers

    async def changed(self) -> None:
        """Wait until somebody does something."""
        await self._changed.wait()
        self._changed.clear()

    def _note(self, action: str, value: Any = None, then: Callable[[], object] = lambda: None) -> None:
        with self._lock:
            self._steers.append(Steer(action, value))
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._changed.set)
            self._loop.call_soon_threadsafe(then)
