"""Wall-clock time of a run, without its start and the time it waits for a person."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Runs from its creation; stands still while paused, and once it is stopped."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._paused_seconds = 0.0
        self._paused_since: float | None = None

    @property
    def seconds(self) -> float:
        """Seconds that count."""
        now = time.monotonic() if self._paused_since is None else self._paused_since
        return now - self._start - self._paused_seconds

    def restart(self) -> None:
        """Begin now."""
        self._start = time.monotonic()

    def stop(self) -> None:
        """Stand still for good."""
        self._paused_since = time.monotonic() if self._paused_since is None else self._paused_since

    def add(self, seconds: float) -> None:
        """Count seconds from before its creation."""
        self._start -= seconds

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stand still inside the block."""
        if self._paused_since is not None:  # it does already
            yield
            return
        self._paused_since = time.monotonic()
        try:
            yield
        finally:
            self._paused_seconds += time.monotonic() - self._paused_since
            self._paused_since = None
