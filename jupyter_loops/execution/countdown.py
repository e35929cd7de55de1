"""The wall-clock limit of an attempt. The time in which it waits for an answer of the kernel does not count."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter


class Countdown:
    """Calls `over` once the time is used up. Runs between `start` and `stop`, except while paused."""

    def __init__(self, seconds: float, over: Callable[[], None]) -> None:
        self._remaining, self._over = seconds, over
        self._loop = asyncio.get_running_loop()
        self._alarm: asyncio.TimerHandle | None = None
        self._since = 0.0
        self.used = 0.0  # seconds, all orders together

    @property
    def deadline(self) -> float:
        """When the time will be used up, on the clock of `perf_counter`; valid while it runs."""
        return self._since + self._remaining

    def renew(self, seconds: float) -> None:
        """Set the remaining time. Only while it is stopped."""
        self._remaining = seconds

    def start(self) -> None:
        """Run."""
        self._since = perf_counter()
        self._alarm = self._loop.call_later(max(self._remaining, 0.0), self._over)

    def stop(self) -> None:
        """Stop. Idempotent."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
            passed = perf_counter() - self._since
            self.used += passed
            self._remaining -= passed

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stop inside the block."""
        self.stop()
        try:
            yield
        finally:
            self.start()
