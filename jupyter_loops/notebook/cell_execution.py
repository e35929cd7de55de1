"""The execution of one %%loop cell: launch, wait, show, bind."""

from __future__ import annotations

import contextvars
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from jupyter_loops.core.recipe import Recipe
from jupyter_loops.errors import LoopError

from . import cell_runs
from .awaited_execution import AwaitedExecution
from .produced import produced

if TYPE_CHECKING:
    from jupyter_loops.core.ports import Listener
    from jupyter_loops.run import Run


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
class CellExecution(AwaitedExecution["Run"]):
    """A run, its view, and the options of the first line."""

    GRACE: ClassVar[float] = 5.0
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

    def see_out(self) -> Run:
        """Wait for the end and show it; nothing is bound."""
        self._wait()
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

    def _open_at_terminal(self) -> None:
        if not self._in_kernel and sys.stdout.isatty():
            self.view.open()

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
