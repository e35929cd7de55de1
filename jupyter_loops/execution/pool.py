"""Schedules the candidates of all runs of one kernel: which run at once, and which prewarmed children wait.

The number of running candidates is limited by the cores, and by the memory that each may use. The others wait, and
their clocks do not run meanwhile. The run with the fewest running candidates is next, so that a run of many attempts
does not delay other runs. Runs do not share worlds: a set-up may draw random numbers, read a file or change its data,
and the names of one run are not available to another.
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

WaitingContext = Callable[[], AbstractAsyncContextManager[None]]
_IDLE = 2  # prewarmed children for each core
_ASLEEP = 10.0  # seconds without a candidate, after which a run may lose its prewarmed child


class PoolSlot:
    """A candidate's slot. It is taken while the candidate is busy."""

    def __init__(
        self, pool: Pool, run: object, memory_bytes: int | None, waiting_context: WaitingContext = nullcontext
    ) -> None:
        self._pool, self.run, self.memory_bytes, self.waiting_context = pool, run, memory_bytes or 0, waiting_context
        self._acquired = False

    async def acquire(self) -> None:
        """Wait until there is room. A cancelled wait takes no slot."""
        if not self._acquired:
            await self._pool.admit(self)
            self._acquired = True

    def release(self) -> None:
        """Free the slot for the next candidate. Idempotent."""
        if self._acquired:
            self._acquired = False
            self._pool.release(self)


class Pool:
    """Shared by threads and event loops."""

    def __init__(self, places: int | None = None, free: Callable[[], int] = free_memory) -> None:
        self.places = places or cores()
        self._free, self._lock = free, threading.Lock()
        self._busy: Counter[object] = Counter()  # run → candidates at work
        self._promised = 0  # bytes that the running candidates may use
        self._waiting: list[tuple[PoolSlot, asyncio.Future[None]]] = []  # the longest wait first
        self._idle: dict[object, tuple[float, Callable[[], None]]] = {}  # run → since when, how to end its child

    def slot(self, run: object, memory_bytes: int | None, waiting_context: WaitingContext = nullcontext) -> PoolSlot:
        """A slot for one candidate of `run`, which may use `memory_bytes` (None: unknown).

        It waits inside `waiting_context()`.
        """
        return PoolSlot(self, run, memory_bytes, waiting_context)

    async def admit(self, slot: PoolSlot) -> None:
        """Wait until the slot may run."""
        with self._lock:
            if not self._waiting and self._has_room(slot):
                self._count(slot, 1)
                return
            admitted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((slot, admitted))
            self._call()
        try:
            async with slot.waiting_context():
                await admitted
        except asyncio.CancelledError:
            with self._lock:
                if (slot, admitted) in self._waiting:
                    self._waiting.remove((slot, admitted))
                    self._call()
                else:
                    self._count(slot, -1)  # it was admitted at that moment
            raise

    def release(self, slot: PoolSlot) -> None:
        """Free a slot."""
        with self._lock:
            self._count(slot, -1)

    def keep(self, run: object, let_go: Callable[[], None]) -> bool:
        """Whether `run` may have a prewarmed child. If there are too many, an idle run loses its own."""
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
        """Record that `run` has no prewarmed child any more."""
        with self._lock:
            self._idle.pop(run, None)

    def _count(self, slot: PoolSlot, by: int) -> None:
        self._busy[slot.run] += by
        self._promised += by * slot.memory_bytes
        if by < 0:
            if not self._busy[slot.run]:
                del self._busy[slot.run]
            self._call()

    def _call(self) -> None:
        """Admit all slots for which there is room. A smaller one does not overtake the first."""
        while self._waiting:
            slot, admitted = min(self._waiting, key=lambda entry: self._busy[entry[0].run])
            if not self._has_room(slot):
                return
            self._waiting.remove((slot, admitted))
            with suppress(RuntimeError):  # its event loop is closed, so nothing waits for it
                admitted.get_loop().call_soon_threadsafe(_settle, admitted)
                self._count(slot, 1)

    def _has_room(self, slot: PoolSlot) -> bool:
        running = self._busy.total()
        if running >= self.places:
            return False
        return not running or not slot.memory_bytes or self._promised + slot.memory_bytes <= self._free()


def _settle(admitted: asyncio.Future[None]) -> None:
    if not admitted.done():
        admitted.set_result(None)


@cache
def pool() -> Pool:
    """The pool of this process."""
    return Pool()
