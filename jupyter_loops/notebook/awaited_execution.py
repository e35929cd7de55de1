"""How a %%loop cell waits for what it started, whether that is one run or a group of them."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from concurrent.futures import Future, wait
from typing import ClassVar, Generic, Protocol, TypeVar

from jupyter_loops.core.termination import StopReason, Termination
from jupyter_loops.errors import LoopError, NotVerified

_TICK = 0.1  # seconds until an interrupt is noticed, at most


class Awaited(Protocol):
    """What a cell waits for."""

    future: Future[Termination]

    @property
    def name(self) -> str:
        """The loop's name."""
        ...

    @property
    def termination(self) -> Termination | None:
        """How it ended, or None."""
        ...

    def stop(self, reason: StopReason = StopReason.STOPPED) -> None:
        """End it at once."""
        ...


W = TypeVar("W", bound=Awaited)


class AwaitedExecution(Generic[W]):
    """Waits on an event loop or without one; an interrupt is a graceful stop."""

    GRACE: ClassVar[float]  # seconds that what is interrupted gets to end by itself
    run: W
    raises: bool

    def finish(self) -> W:
        """Show the end and leave the results. Raises the error or NotVerified."""
        raise NotImplementedError

    def _show_end(self) -> None:
        raise NotImplementedError

    def _open_at_terminal(self) -> None:
        """Show what goes on where the cell blocks; a kernel shows it already."""

    async def follow(self) -> W:
        """Await the end; an interrupt of the cell is a graceful stop."""
        try:
            await self._ended()
        except asyncio.CancelledError:
            self.run.stop(StopReason.INTERRUPTED)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended(), self.GRACE)
            self._interrupted()
        return self.finish()

    def block(self) -> W:
        """Wait for the end without an event loop; Ctrl+C is a graceful stop."""
        self._open_at_terminal()
        if self._wait():
            self._interrupted()
        return self.finish()

    def _wait(self) -> bool:
        """Wait for the end; gives whether Ctrl+C has stopped it."""
        try:
            wait([self.run.future])
        except KeyboardInterrupt:
            self.run.stop(StopReason.INTERRUPTED)
            wait([self.run.future], self.GRACE)
            return True
        return False

    async def _ended(self) -> None:
        """Await the end of the run, and wake the event loop in between.

        ipykernel's SIGINT handler schedules the cancellation of the cell without waking the event loop, so
        without anything else going on an interrupt would wait for the end of the run.
        """
        waiter = asyncio.wrap_future(self.run.future)
        while not waiter.done():
            await asyncio.wait({waiter}, timeout=_TICK)
        _ = waiter.cancelled() or waiter.exception()  # finish() raises it; here it is only marked as retrieved

    def _interrupted(self) -> None:
        self._show_end()
        how = self.run.termination.message if self.run.termination else "it had not begun"
        raise NotVerified(f"{self.run.name} is not verified: interrupted, {how}")

    def _finish_late(self) -> None:
        """`finish` after the cell has ended: an error becomes a line below the cell."""
        self.raises = False
        try:
            self.finish()
        except Exception as error:  # noqa: BLE001  # the edge of a thread
            message = error.shown if isinstance(error, LoopError) else str(error)
            sys.stderr.write(f"{type(error).__name__}: {message}\n")
