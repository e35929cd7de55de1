"""The child that waits for the next candidate: the model thinks for longer than a fork takes.

Nobody may have been at it before its candidate is. At `process` all children are one user's processes, which may signal
each other and, unless the system forbids it, trace each other; under bubblewrap those of one run may. So none of a run
waits while a candidate of the run is alive: it is forked from a world that no candidate has ever run in, after the last
process of the last candidate is seen dead, and whatever candidate comes first takes it. Candidates of other runs it
could meet at `process` only, as they could meet the zygote itself: that level protects from accidents. One that was
killed while it waited, or whose zygote was, is not used. Names that are sent later are not in it, so it is dropped when
some are. It waits in vain at nobody's cost: the clocks of a candidate start with the candidate's first act.
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

    def __init__(self, workers: Workers, pool: Pool, chores: BackgroundTasks) -> None:
        self._workers, self._pool, self._chores = workers, pool, chores
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self.child: asyncio.Future[Fork] | None = None

    def prepare(self) -> None:
        """Have a child ready, where the pool has a place for it. Only while no candidate of the run is alive."""
        if not self._closed and self.child is None and self._pool.keep(self, self._let_go):
            self.child = asyncio.ensure_future(self._workers.fork())

    def claim(self) -> asyncio.Future[Fork]:
        """The child that is waiting or on its way, or else a new one."""
        child, self.child = self.child, None
        if child is not None and (not child.done() or self._is_fit(child)):
            return child
        return asyncio.ensure_future(self._anew(child))

    async def drop(self) -> None:
        """End the child that waits: it has not what later ones have."""
        child, self.child = self.child, None
        if child is not None:
            await discard(child)

    async def close(self) -> None:
        """Let none wait any more. Idempotent."""
        self._closed = True
        self._pool.forget(self)
        if self.child is not None:
            self.child.cancel()
        await self.drop()

    async def _anew(self, hurt: asyncio.Future[Fork] | None) -> Fork:
        """A new child in place of one that an earlier candidate has hurt."""
        if hurt is not None:
            await discard(hurt)
        return await self._workers.fork()

    def _is_fit(self, child: asyncio.Future[Fork]) -> bool:
        return child.exception() is None and child.result().alive and self._workers.alive

    def _let_go(self) -> None:
        """End the child that waits: another run has more use for its place. From any thread."""
        with suppress(RuntimeError):  # the event loop is closed, and its children with it
            self._loop.call_soon_threadsafe(lambda: self._chores.begin(self.drop()))


async def discard(child: asyncio.Future[Fork]) -> None:
    """End a child, once it is known whether there is one."""
    if not child.done():
        await asyncio.wait({child})
    if not child.cancelled() and child.exception() is None:
        await child.result().end()
