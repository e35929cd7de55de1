"""One child that waits for a candidate, or runs it: its process, its channel, its output, its death."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter

from jupyter_loops.errors import SandboxError

from . import tree
from .cgroup import Group
from .channel import Channel
from .output import Output

_DEATH = 10.0  # seconds to wait for it; on a machine that has much other work the kernel takes its time
_UNREPORTED = 0.2  # seconds after which a dead child whose zygote says nothing is believed to be dead
_MOMENT, _LONGEST_PAUSE = 0.0005, 0.004  # between two looks


class Fork:
    """The kernel's end of one child. `end` it whatever happens."""

    def __init__(self, pid: int, channel: Channel, outputs: tuple[Output, Output], ended: asyncio.Future[int]) -> None:
        self.pid, self.channel, self.ended = pid, channel, ended
        self.stdout, self.stderr = outputs
        self.shared_bytes = 0  # resident in the process it was forked from
        self.spent_cpu_seconds = 0.0  # by the set-up, where it ran in this very process
        self.strike_strays: Callable[[], bool] = bool  # kills what the child's death has orphaned; False: nothing left
        self._struck = False
        self.group: Group | None = None  # where the system has such
        self.bury: Callable[[], Awaitable[None]] | None = None  # lets go of what was there for this child only

    @property
    def alive(self) -> bool:
        """Whether it can take a candidate."""
        return not self.ended.done()

    def strike(self) -> bool:
        """Kill an idle examiner and its candidate at once; whether that is all there was to kill."""
        below = [] if self.ended.done() else tree.descendants(self.pid)
        if self.ended.done() or len(below) > 1 or self.strike_strays():
            return False
        self._struck = True
        for pid in (*below, self.pid):
            tree.kill(pid)
        self._hang_up()  # now: nothing that it says counts, and to hear of each end would wake the kernel
        return True

    async def end(self) -> None:
        """Kill everything that is left, see it dead, and let go."""
        try:
            if self._struck:  # dead in a moment; to look for it meanwhile would take a core from the next candidate
                await asyncio.wait({self.ended}, timeout=_UNREPORTED)
            await self.kill()
        finally:
            if self.group is not None:
                self.group.close()
            self._hang_up()
            if self.bury is not None:
                await self.bury()

    def _hang_up(self) -> None:
        for each in (self.channel, self.stdout, self.stderr):
            each.close()

    async def kill(self) -> None:
        """Kill the child and all its descendants, and see them dead. Idempotent."""
        started, pause = perf_counter(), _MOMENT
        if self.group is not None and not self.ended.done():
            self.group.kill()
        while (passed := perf_counter() - started) < _DEATH:
            struck = not self.ended.done() and tree.strike(self.pid)
            gone = self.ended.done() or (not struck and passed > _UNREPORTED)
            if gone and not self.strike_strays():
                return
            if self.ended.done():
                await asyncio.sleep(_MOMENT)
            else:
                await asyncio.wait({self.ended}, timeout=pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
        raise SandboxError("a process of the sandbox could not be killed")
