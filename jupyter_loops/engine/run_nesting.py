"""Runs inside runs: who started whom, how deep, and what ends with what.

A run started by code that another run executes in the kernel (a tool, an approval) is that run's child: it spends
out of the parent's ledger, and ends when the parent does. The parent is found by a context variable, which
travels into threads by `asyncio.to_thread`.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field

from jupyter_loops.core.termination import StopReason
from jupyter_loops.errors import PreflightError

from .control import Control
from .ledger import Ledger

DEEPEST = 3  # runs inside each other, the outermost included


@dataclass(slots=True, kw_only=True)
class RunNesting:
    """A run with its child runs."""

    run: str
    name: str
    ledger: Ledger
    control: Control
    depth: int = 1
    over: bool = False
    children: list[RunNesting] = field(default_factory=list)

    def take_in(self, child: RunNesting) -> None:
        """Make a run a child of this one. Raises PreflightError."""
        if self.over:
            raise PreflightError(f"{child.name} cannot run inside {self.name}, which is over")
        self.children = [sibling for sibling in self.children if not sibling.over]
        self.children.append(child)

    def deeper(self, name: str) -> int:
        """The depth of a child. Raises PreflightError where it is too deep."""
        if self.depth >= DEEPEST:
            raise PreflightError(
                f"{name} would be a loop inside {self.depth} others, and {DEEPEST} in all may be nested"
            )
        return self.depth + 1

    def end(self) -> None:
        """The run is over; its children are stopped."""
        self.over = True
        self.stop_children(self.control.stopping or StopReason.STOPPED)

    def stop_children(self, reason: StopReason) -> None:
        """Stop what was started inside; the run itself goes on."""
        for child in self.children:
            child.control.stop(reason)


CURRENT: ContextVar[RunNesting | None] = ContextVar("jupyter_loops_run", default=None)
