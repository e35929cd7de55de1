"""One kernel's share of the machine, for all of its runs: which candidates run at once, and which children wait.

As many candidates run as there are cores, and as fit into memory with what each may use; the others wait, and no
clock of theirs runs meanwhile. Whose run has the fewest at work is next, so that a run of many attempts does not hold
up the others. Worlds are not shared between runs: a set-up may draw random numbers, read a file or change its data,
and a name that one run's candidate asks for is none of another's.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from functools import cache
from time import monotonic

from .machine_limits import cores, free_memory

Aside = Callable[[], AbstractAsyncContextManager[None]]
_IDLE = 2  # children for each core that may wait for a candidate to come
_ASLEEP = 10.0  # seconds without a candidate, after which a run may lose the child that waits


class PoolSlot:
    """A candidate's claim to run. Take it for as long as the candidate is busy."""

    def __init__(self, pool: Pool, run: object, memory_bytes: int | None, aside: Aside = nullcontext) -> None:
        self._pool, self.run, self.memory_bytes, self.aside = pool, run, memory_bytes or 0, aside
        self._has = False

    async def take(self) -> None:
        """Wait until there is room. Who is cancelled meanwhile leaves, and takes nothing along."""
        if not self._has:
            await self._pool.admit(self)
            self._has = True

    def give_back(self) -> None:
        """Let the next one in. Idempotent."""
        if self._has:
            self._has = False
            self._pool.leave(self)


class Pool:
    """Shared by threads and event loops."""

    def __init__(self, places: int | None = None, free: Callable[[], int] = free_memory) -> None:
        self.places = places or cores()
        self._free, self._lock = free, threading.Lock()
        self._busy: Counter[object] = Counter()  # run → candidates at work
        self._promised = 0  # bytes that these may use
        self._waiting: list[tuple[PoolSlot, asyncio.Future[None]]] = []  # the longest first
        self._idle: dict[object, tuple[float, Callable[[], None]]] = {}  # run → since when, what lets its child go

    def turn(self, run: object, memory_bytes: int | None, aside: Aside = nullcontext) -> PoolSlot:
        """A claim for one candidate of `run`, which may use that much memory (None: nobody knows).

        While it has to wait, it does so inside of `aside()`.
        """
        return PoolSlot(self, run, memory_bytes, aside)

    async def admit(self, turn: PoolSlot) -> None:
        """Return once the turn may run."""
        with self._lock:
            if not self._waiting and self._has_room(turn):
                self._count(turn, 1)
                return
            coming: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((turn, coming))
            self._call()
        try:
            async with turn.aside():
                await coming
        except asyncio.CancelledError:
            with self._lock:
                if (turn, coming) in self._waiting:
                    self._waiting.remove((turn, coming))
                    self._call()
                else:
                    self._count(turn, -1)  # it was called just then
            raise

    def leave(self, turn: PoolSlot) -> None:
        """A turn is over."""
        with self._lock:
            self._count(turn, -1)

    def keep(self, run: object, let_go: Callable[[], None]) -> bool:
        """Whether a child of `run` may wait for its candidate; where there are many, one of a run that sleeps goes."""
        with self._lock:
            self._idle.pop(run, None)
            if len(self._idle) >= _IDLE * self.places:
                oldest, (since, let_oldest_go) = next(iter(self._idle.items()))
                if monotonic() - since < _ASLEEP:
                    return False
                del self._idle[oldest]
                let_oldest_go()
            self._idle[run] = monotonic(), let_go
        return True

    def forget(self, run: object) -> None:
        """No child of `run` waits any more."""
        with self._lock:
            self._idle.pop(run, None)

    def _count(self, turn: PoolSlot, by: int) -> None:
        self._busy[turn.run] += by
        self._promised += by * turn.memory_bytes
        if by < 0:
            if not self._busy[turn.run]:
                del self._busy[turn.run]
            self._call()

    def _call(self) -> None:
        """Let in all for whom there is room; the first in line is not passed by smaller ones."""
        while self._waiting:
            turn, coming = min(self._waiting, key=lambda each: self._busy[each[0].run])
            if not self._has_room(turn):
                return
            self._waiting.remove((turn, coming))
            with suppress(RuntimeError):  # its event loop is closed: nobody waits any more
                coming.get_loop().call_soon_threadsafe(_settle, coming)
                self._count(turn, 1)

    def _has_room(self, turn: PoolSlot) -> bool:
        running = self._busy.total()
        if running >= self.places:
            return False
        return not running or not turn.memory_bytes or self._promised + turn.memory_bytes <= self._free()


def _settle(coming: asyncio.Future[None]) -> None:
    if not coming.done():
        coming.set_result(None)


@cache
def pool() -> Pool:
    """That of this process."""
    return Pool()
