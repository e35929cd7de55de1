"""Wall-clock time of a run, without its start and the time it waits for a person."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Runs from its making; stands still while held, and once it is stopped."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._held = 0.0
        self._held_since: float | None = None

    @property
    def seconds(self) -> float:
        """Seconds that count."""
        now = time.monotonic() if self._held_since is None else self._held_since
        return now - self._start - self._held

    def restart(self) -> None:
        """Begin now, and not at its making."""
        self._start = time.monotonic()

    def stop(self) -> None:
        """Stand still for good."""
        self._held_since = time.monotonic() if self._held_since is None else self._held_since

    def add(self, seconds: float) -> None:
        """Count seconds from before its making."""
        self._start -= seconds

    @contextmanager
    def held(self) -> Iterator[None]:
        """Stand still inside the block."""
        if self._held_since is not None:  # it does already
            yield
            return
        self._held_since = time.monotonic()
        try:
            yield
        finally:
            self._held += time.monotonic() - self._held_since
            self._held_since = None
