"""How many calls of one model may be in flight: a limit that finds its own level.

Additive increase, multiplicative decrease, as in D.-M. Chiu and R. Jain, "Analysis of the Increase and Decrease
Algorithms for Congestion Avoidance", 1989: one more in flight after a round of good answers (twice as many until the
first congestion), half as many after a refusal for the rate, a fifth fewer when answers take twice as long as they did.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from statistics import median
from time import monotonic

FIRST = 8  # calls in flight at the beginning
MOST = 1024
_SLOW = 2.0  # times the shortest latency that mean congestion
_DRIFT = 1.02  # growth of the shortest latency with each window, so that it follows a slower server
_WINDOW = 8  # answers, at least, between two looks at their latency


class ConcurrencyLimit:
    """The calls in flight of one model. Belongs to one event loop; who waits is admitted fairly by owner."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self.level = float(FIRST)
        self.refusals = 0  # for the rate, ever
        self._clock = clock
        self._in_flight: Counter[object] = Counter()
        self._waiting: dict[object, deque[asyncio.Future[None]]] = {}
        self._most: dict[object, int] = {}  # by owner
        self._growing = True  # doubling, until the first congestion
        self._latencies: list[float] = []
        self._shortest: float | None = None
        self._paused_until = self._steady_until = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def in_flight(self) -> int:
        """Calls in flight, of all owners."""
        return self._in_flight.total()

    async def acquire(self, owner: object, most: int) -> None:
        """Wait until `owner` may make one more call, and have at most `most` in flight."""
        self._most[owner] = most
        if not self._waiting and self._has_room(owner):
            self._in_flight[owner] += 1
            return
        admitted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner, deque()).append(admitted)
        self._admit()
        try:
            await admitted
        except asyncio.CancelledError:
            if admitted.done() and not admitted.cancelled():
                self.release(owner)
            raise

    def release(self, owner: object) -> None:
        """The call has ended, whatever came of it."""
        self._in_flight[owner] -= 1
        if not self._in_flight[owner]:
            del self._in_flight[owner]
        self._admit()

    def answered(self, seconds: float) -> None:
        """A call was answered after so many seconds. Call it before `release`."""
        if self.in_flight >= int(self.level) - 1:  # otherwise the level was not what held calls up
            self.level = min(self.level + (1.0 if self._growing else 1.0 / self.level), MOST)
        self._latencies.append(seconds)
        if len(self._latencies) >= max(self.level, _WINDOW):
            self._look(median(self._latencies))
            self._latencies.clear()

    def refused(self, retry_after: float | None = None) -> None:
        """The provider refused a call for the rate: nobody calls for so many seconds. Call it before `release`."""
        now = self._clock()
        self.refusals += 1
        if now >= self._steady_until:  # refusals of calls that left together count once
            self._decrease(0.5)
            self._steady_until = now + max(self._shortest or 0.0, 0.1)
        self.pause(retry_after or 0.0)

    def pause(self, seconds: float) -> None:
        """Admit nobody for so long, as a provider's headers ask."""
        self._paused_until = max(self._paused_until, self._clock() + seconds)

    def _look(self, latency: float) -> None:
        """Compare a window's median latency with the shortest one."""
        if self._shortest is not None and latency > _SLOW * self._shortest:
            self._decrease(0.8)
        self._shortest = latency if self._shortest is None else min(latency, self._shortest * _DRIFT)

    def _decrease(self, factor: float) -> None:
        self.level, self._growing = max(self.level * factor, 1.0), False

    def _has_room(self, owner: object) -> bool:
        if self._clock() < self._paused_until or self.in_flight >= int(self.level):
            return False
        return self._in_flight[owner] < self._most[owner]

    def _admit(self) -> None:
        """Admit those who wait, the owner with the fewest calls in flight first."""
        while self._waiting:
            owners = [owner for owner in self._waiting if self._has_room(owner)]
            if not owners:
                break
            owner = min(owners, key=self._in_flight.__getitem__)
            queue = self._waiting[owner]
            admitted = queue.popleft()
            if not queue:
                del self._waiting[owner]
            if not admitted.done():
                self._in_flight[owner] += 1
                admitted.set_result(None)
        self._wake_after_pause()

    def _wake_after_pause(self) -> None:
        seconds = self._paused_until - self._clock()
        if self._waiting and seconds > 0 and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._over)

    def _over(self) -> None:
        self._timer = None
        self._admit()
