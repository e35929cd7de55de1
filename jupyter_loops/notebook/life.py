"""The end of a kernel: runs that go on are ended, so that the history has their partial round.

A shut-down or restart ends the interpreter in an orderly way, and so does a SIGTERM once it is caught. SIGKILL cannot
be caught: then the history has what the journal has, and a resumed run goes on from it.
"""

from __future__ import annotations

import functools
import os
import signal
import sys
import threading
from types import FrameType

PATIENCE = 3.0  # seconds that runs get to end


def guard() -> None:
    """End runs on SIGTERM, where nobody else handles it."""
    can_catch = threading.current_thread() is threading.main_thread() and hasattr(signal, "SIGTERM")
    if can_catch and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminated)
        _leave_forks_alone()


@functools.cache
def _leave_forks_alone() -> None:
    """A forked child has no run to end."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=let_go)


def let_go() -> None:
    """Leave SIGTERM as it was."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is _terminated:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _terminated(number: int, _frame: FrameType | None) -> None:
    if "jupyter_loops.runs" in sys.modules:
        from jupyter_loops.runs import end_all

        end_all(PATIENCE)
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
