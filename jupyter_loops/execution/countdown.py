"""The wall-clock time that an attempt may take, without the time in which it waits for an answer of ours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter


class Countdown:
    """Calls `over` once the time is used up. Runs between `start` and `stop`, and stands still while held."""

    def __init__(self, seconds: float, over: Callable[[], None]) -> None:
        self._left, self._over = seconds, over
        self._loop = asyncio.get_running_loop()
        self._alarm: asyncio.TimerHandle | None = None
        self._since = 0.0
        self.used = 0.0  # seconds, all acts together

    @property
    def deadline(self) -> float:
        """When it will be used up, as `perf_counter` counts; of use while it runs."""
        return self._since + self._left

    def renew(self, seconds: float) -> None:
        """Allow so much from now on; while it stands still."""
        self._left = seconds

    def start(self) -> None:
        """Run."""
        self._since = perf_counter()
        self._alarm = self._loop.call_later(max(self._left, 0.0), self._over)

    def stop(self) -> None:
        """Stand still. Idempotent."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
            passed = perf_counter() - self._since
            self.used += passed
            self._left -= passed

    @contextmanager
    def held(self) -> Iterator[None]:
        """Stand still inside the block."""
        self.stop()
        try:
            yield
        finally:
            self.start()
