"""One call of a user's function, on a thread of its own.

The engine's thread must never block, and the notebook's own thread awaits the run, so neither can make it. The
thread is a daemon: one that hangs holds up no other run, and no kernel that is being shut down.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import inspect
import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

Outcome = tuple[Any, BaseException | None]  # what was returned, or what was raised


class ToolStopped(BaseException):
    """Raised in a tool's own code when its time is over, or its run."""


class ToolThread:
    """A call under way. Create it on the event loop that waits for it."""

    def __init__(self, do: Callable[[], Any], name: str) -> None:
        self._do = do
        self._loop = asyncio.get_running_loop()
        self._done: asyncio.Future[Outcome] = self._loop.create_future()
        self._over = False
        context = copy_context()  # so that a loop started in there knows whose child it is
        self._thread = threading.Thread(target=context.run, args=(self._run,), name=f"tool {name}", daemon=True)

    @property
    def busy(self) -> bool:
        """Whether it is still at work, whoever waits."""
        return not self._over

    async def outcome(self, seconds: float | None) -> Outcome:
        """What it returned, or what it raised. Raises TimeoutError where it takes too long.

        One that is not waited for any more is interrupted as Ctrl-C interrupts: at its next step in Python.
        """
        self._thread.start()
        try:
            async with asyncio.timeout(seconds):
                return await self._done
        finally:
            if self._done.cancelled():
                ident = ctypes.c_ulong(self._thread.ident or 0)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(ToolStopped))

    def _run(self) -> None:
        with contextlib.suppress(ToolStopped, RuntimeError):  # too late, or the loop is gone with whoever waited
            outcome = self._call()
            self._over = True
            self._loop.call_soon_threadsafe(self._tell, outcome)

    def _call(self) -> Outcome:
        try:
            value = self._do()
            return (asyncio.run(value) if inspect.iscoroutine(value) else value), None
        except BaseException as error:  # noqa: BLE001  # SystemExit in a tool ends the call, not the kernel
            return None, error

    def _tell(self, outcome: Outcome) -> None:
        if not self._done.done():
            self._done.set_result(outcome)
