"""One child that waits for a candidate or runs it: its process, its channel, its output, its end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter

from jupyter_loops.errors import SandboxError

from . import tree
from .cgroup import Group
from .channel import Channel
from .output import Output

_DEATH = 10.0  # seconds in which its processes have to die; a busy machine takes long
_UNREPORTED = 0.2  # seconds after which a child counts as dead without a report of its zygote
_MOMENT, _LONGEST_PAUSE = 0.0005, 0.004  # seconds between two looks


class Fork:
    """The kernel's end of one child. `end` it whatever happens."""

    def __init__(self, pid: int, channel: Channel, outputs: tuple[Output, Output], ended: asyncio.Future[int]) -> None:
        self.pid, self.channel, self.ended = pid, channel, ended
        self.stdout, self.stderr = outputs
        self.shared_bytes = 0  # resident in the process it was forked from
        self.spent_cpu_seconds = 0.0  # by the set-up, if it ran in this process
        self.kill_orphans: Callable[[], bool] = bool  # kills its orphaned descendants; False: there were none
        self._killed = False
        self.group: Group | None = None  # if control groups are available
        self.release: Callable[[], Awaitable[None]] | None = None  # frees what only this child used

    @property
    def alive(self) -> bool:
        """Whether it can take a candidate."""
        return not self.ended.done()

    def kill_idle(self) -> bool:
        """Kill an idle examiner and its candidate at once. False if other processes have to be killed as well."""
        below = [] if self.ended.done() else tree.descendants(self.pid)
        if self.ended.done() or len(below) > 1 or self.kill_orphans():
            return False
        self._killed = True
        for pid in (*below, self.pid):
            tree.kill(pid)
        self._hang_up()  # now: its output no longer counts, and each end of file would wake the kernel
        return True

    async def end(self) -> None:
        """Kill all remaining processes, wait for their end, and free all resources."""
        try:
            if self._killed:  # dead soon; polling meanwhile would take CPU time from the next candidate
                await asyncio.wait({self.ended}, timeout=_UNREPORTED)
            await self.kill()
        finally:
            if self.group is not None:
                self.group.close()
            self._hang_up()
            if self.release is not None:
                await self.release()

    def _hang_up(self) -> None:
        for resource in (self.channel, self.stdout, self.stderr):
            resource.close()

    async def kill(self) -> None:
        """Kill the child and all its descendants, and wait for their end. Idempotent."""
        started, pause = perf_counter(), _MOMENT
        if self.group is not None and not self.ended.done():
            self.group.kill()
        while (passed := perf_counter() - started) < _DEATH:
            killed = not self.ended.done() and tree.kill_tree(self.pid)
            dead = self.ended.done() or (not killed and passed > _UNREPORTED)
            if dead and not self.kill_orphans():
                return
            if self.ended.done():
                await asyncio.sleep(_MOMENT)
            else:
                await asyncio.wait({self.ended}, timeout=pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
        raise SandboxError("a process of the sandbox could not be killed")
