"""The child that is forked in advance for the next candidate, while the model writes its answer.

No other candidate may reach it before its own does. At level `process` all children belong to one user, so they can
signal each other and, unless the system forbids it, trace each other. Under bubblewrap the children of one run can.
Therefore a run has no prewarmed child while one of its candidates is alive. The child is forked from a world in which
no candidate has ever run, once all processes of the last candidate are dead. The next candidate takes it. Candidates of
other runs could reach it at level `process` only, just as they could reach the zygote: that level protects from
accidents. A prewarmed child that was killed, or whose zygote was killed, is not used. It lacks names that are sent
later, so it is dropped when names are sent. It costs the candidate no time: a candidate's clocks start with its first
order.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from .background_tasks import BackgroundTasks
from .fork import Fork
from .pool import Pool
from .workers import Workers


class PrewarmedChild:
    """At most one child of one run."""

    def __init__(self, workers: Workers, pool: Pool, tasks: BackgroundTasks) -> None:
        self._workers, self._pool, self._tasks = workers, pool, tasks
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self.child: asyncio.Future[Fork] | None = None

    def prepare(self) -> None:
        """Fork a child in advance, if the pool allows it. Only while no candidate of the run is alive."""
        if not self._closed and self.child is None and self._pool.keep(self, self._let_go):
            self.child = asyncio.ensure_future(self._workers.fork())

    def claim(self) -> asyncio.Future[Fork]:
        """The prewarmed child, which may still be starting, or a new one."""
        child, self.child = self.child, None
        if child is not None and (not child.done() or self._is_fit(child)):
            return child
        return asyncio.ensure_future(self._replacement(child))

    async def drop(self) -> None:
        """End the prewarmed child, because it lacks names that were sent since."""
        child, self.child = self.child, None
        if child is not None:
            await discard(child)

    async def close(self) -> None:
        """End the prewarmed child for good. Idempotent."""
        self._closed = True
        self._pool.forget(self)
        if self.child is not None:
            self.child.cancel()
        await self.drop()

    async def _replacement(self, unfit: asyncio.Future[Fork] | None) -> Fork:
        """A new child in place of one that is not usable."""
        if unfit is not None:
            await discard(unfit)
        return await self._workers.fork()

    def _is_fit(self, child: asyncio.Future[Fork]) -> bool:
        return child.exception() is None and child.result().alive and self._workers.alive

    def _let_go(self) -> None:
        """End the prewarmed child in favour of another run. Safe on any thread."""
        with suppress(RuntimeError):  # the event loop is closed, and its children with it
            self._loop.call_soon_threadsafe(lambda: self._tasks.begin(self.drop()))


async def discard(child: asyncio.Future[Fork]) -> None:
    """End a child once it has started."""
    if not child.done():
        await asyncio.wait({child})
    if not child.cancelled() and child.exception() is None:
        await child.result().end()
