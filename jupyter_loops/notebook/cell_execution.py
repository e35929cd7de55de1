"""The execution of one %%loop cell: launch, wait, show, bind."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jupyter_loops.core.recipe import Recipe
from jupyter_loops.core.termination import StopReason
from jupyter_loops.errors import LoopError, NotVerified

from . import cell_runs
from .produced import produced

if TYPE_CHECKING:
    from jupyter_loops.core.ports import Listener
    from jupyter_loops.run import Run

GRACE = 5.0  # seconds that an interrupted run gets to end by itself
_TICK = 0.1  # seconds until an interrupt is noticed, at most


@dataclass(slots=True)
class ControlProxy:
    """The view's controls. The view is made before the run that it steers."""

    run: Run | None = None

    def stop(self) -> None:
        """End the run at once."""
        self._started_run.stop()

    def pause(self) -> None:
        """Hold before the next phase."""
        self._started_run.pause()

    def resume(self) -> None:
        """Go on."""
        self._started_run.resume()

    def step(self) -> None:
        """One round, then hold."""
        self._started_run.step()

    def finish(self) -> None:
        """End after this round."""
        self._started_run.finish()

    def hint(self, text: str) -> None:
        """Tell the model something."""
        self._started_run.hint(text)

    def set(self, **changes: Any) -> None:
        """Change how the model is asked."""
        self._started_run.set(**changes)

    def raise_budget(self, **limits: float) -> None:
        """Set new limits."""
        self._started_run.raise_budget(**limits)

    def approve(self, comment: str, number: int) -> None:
        """Accept the value that waits."""
        self._started_run.approve(comment, number)

    def reject(self, comment: str, number: int) -> None:
        """Refuse it, and say why."""
        self._started_run.reject(comment, number)

    @property
    def _started_run(self) -> Run:
        if self.run is None:
            raise LoopError("the run has not begun yet")
        return self.run


@dataclass(slots=True, kw_only=True)
class CellExecution:
    """A run, its view, and the options of the first line."""

    shell: Any
    recipe: Recipe
    begin: Callable[[Listener], Run]  # what starts the run that its view listens to
    story: Sequence[Mapping[str, Any]] = ()  # earlier events, for the view
    raises: bool = True
    insert: bool = False
    run: Run = field(init=False)
    view: Any = field(init=False)

    def start(self, *, clicks: bool) -> None:
        """Launch, and open the view. Raises PreflightError, OptionError before anything is shown."""
        from jupyter_loops.view.live_view import LiveView

        controls = ControlProxy()
        self.view = LiveView(controls, clicks=clicks, name=self.recipe.name)
        self.view.catch_up(self.story)
        controls.run = self.run = self.begin(self.view)
        self.view.expect(self.run.facts)
        cell_runs.remember(self.shell, self.run.id)
        if self._in_kernel:
            self.view.open()
        if self.recipe.name not in {target.name for target in self.recipe.targets}:
            self.shell.user_ns[self.recipe.name] = self.run

    async def follow(self) -> Run:
        """Await the end; an interrupt of the cell is a graceful stop."""
        try:
            await self._ended()
        except asyncio.CancelledError:
            self.run.stop(StopReason.INTERRUPTED)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended(), GRACE)
            self._interrupted()
        return self.finish()

    def block(self) -> Run:
        """Wait for the end without an event loop; Ctrl+C is a graceful stop."""
        if not self._in_kernel and sys.stdout.isatty():
            self.view.open()
        try:
            wait([self.run.future])
        except KeyboardInterrupt:
            self.run.stop(StopReason.INTERRUPTED)
            wait([self.run.future], GRACE)
            self._interrupted()
        return self.finish()

    def see_out(self) -> Run:
        """Wait for the end and show it; nothing is bound."""
        try:
            wait([self.run.future])
        except KeyboardInterrupt:
            self.run.stop(StopReason.INTERRUPTED)
            wait([self.run.future], GRACE)
        self._show_end()
        if self.run.error is not None:
            raise self.run.error
        return self.run

    def leave(self) -> Run:
        """Return at once; the targets are bound when the run has ended well."""
        from jupyter_loops.runs import on_end

        context = contextvars.copy_context()  # the cell that output belongs to
        ending = threading.Thread(target=context.run, args=(self._finish_late,), name="jupyter-loops end", daemon=True)
        on_end(self.run, lambda _: ending.start())
        return self.run

    def finish(self) -> Run:
        """Show the end and bind the targets. Raises the error or NotVerified."""
        self._show_end()
        if self.run.future.cancelled():
            raise self.run.never_began()
        if self.run.error is not None:
            raise self.run.error
        if self.run.accepted:
            self.run.bind(self.shell.user_ns)
            if self.insert:
                self.shell.set_next_input(produced(self.recipe, self.run), replace=False)
        elif self.raises:
            self.run.check()
        return self.run

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

    @property
    def _in_kernel(self) -> bool:
        return hasattr(self.shell, "kernel")

    def _show_end(self) -> None:
        """Show the final view. A run that never began has none: its error is one line."""
        began = self.run.cycle.readiness is not None
        if began and not self._in_kernel:
            self.view.open()  # what is no screen shows nothing but the end
        self.view.close()
        if not began and self._in_kernel:
            from IPython import display

            clear: Any = display.clear_output  # has no types
            clear()

    def _finish_late(self) -> None:
        """`finish` after the cell has ended: an error becomes a line below the cell."""
        self.raises = False
        try:
            self.finish()
        except Exception as error:  # noqa: BLE001  # the edge of a thread
            message = error.shown if isinstance(error, LoopError) else str(error)
            sys.stderr.write(f"{type(error).__name__}: {message}\n")
