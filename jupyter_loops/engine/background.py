"""The engine's thread: one event loop for all runs of the process.

A notebook cell only awaits a future of this loop, so buttons and interrupts work during a run.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

_lock = threading.Lock()
_loops: dict[int, asyncio.AbstractEventLoop] = {}  # by process id: a fork has no engine thread


def loop() -> asyncio.AbstractEventLoop:
    """The engine's event loop, started on first use."""
    with _lock:
        running = _loops.get(os.getpid())
        if running is None or running.is_closed():
            running = _loops[os.getpid()] = asyncio.new_event_loop()
            threading.Thread(target=running.run_forever, name="jupyter-loops", daemon=True).start()
        return running


def _after_fork() -> None:
    """In a forked child: another thread of the parent may have had the lock."""
    global _lock  # noqa: PLW0603
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def soon(do: Callable[[str], None], what: str) -> None:
    """Call `do` on the engine's thread, from any other thread."""
    loop().call_soon_threadsafe(do, what)


def submit(work: Coroutine[Any, Any, T]) -> Future[T]:
    """Run a coroutine on the engine's thread."""
    return asyncio.run_coroutine_threadsafe(work, loop())


def is_here() -> bool:
    """Whether this is the engine's own thread, which must never block."""
    running = _loops.get(os.getpid())
    try:
        return running is not None and asyncio.get_running_loop() is running
    except RuntimeError:
        return False
