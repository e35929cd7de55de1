"""Measures what an attempt uses while it runs, for limits that the system cannot set for a single process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from jupyter_loops.core.candidate import Exit, Limits

from . import tree
from .fork import Fork
from .storage_usage import StorageUsage

_EVERY = 0.02  # seconds between two measurements
_SELDOM = 4  # measurements for each one of files
_THREADS = 8  # for each allowed process
_TICK = 0.05  # seconds of CPU time by which the measurement may be too high


class ResourceWatch:
    """Calls `reached` once a process tree exceeds a limit."""

    def __init__(self, fork: Fork, limits: Limits, folders: Sequence[Path], reached: Callable[[Exit], None]) -> None:
        self._folders, self._looks = folders, 0
        self._storage: StorageUsage | None = None  # created at the first measurement: most candidates end before it
        self._pid, self._shared, self._limits, self._reached = fork.pid, fork.shared_bytes, limits, reached
        self._allowed = limits.seconds + _TICK if limits.cpu_seconds is None else limits.cpu_seconds
        self._cpu_seconds = fork.spent_cpu_seconds + self._allowed
        self._loop = asyncio.get_running_loop()
        self._ticks: tree.ProcessTicks = {}
        self._next: asyncio.TimerHandle | None = None
        self.cpu_seconds = 0.0
        self.peak_bytes = 0

    def renew(self) -> None:
        """Allow the same CPU time again, from now on."""
        self._cpu_seconds = tree.load(self._pid, self._shared, self._ticks).cpu_seconds + self._allowed

    def start(self) -> None:
        """Start measuring."""
        self._next = self._loop.call_later(_EVERY, self._look)

    def stop(self) -> None:
        """Stop measuring. Idempotent."""
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def look(self) -> Exit | None:
        """Measure now: the limit that is reached, if any."""
        load, limits = tree.load(self._pid, self._shared, self._ticks), self._limits
        self.cpu_seconds = max(self.cpu_seconds, load.cpu_seconds)
        self.peak_bytes = max(self.peak_bytes, load.memory_bytes)
        if load.processes > limits.processes or load.threads > limits.processes * _THREADS:
            return Exit.PROCESSES
        if limits.memory_bytes is not None and load.memory_bytes > limits.memory_bytes:
            return Exit.MEMORY
        if load.cpu_seconds > self._cpu_seconds:
            return Exit.CPU
        self._looks += 1
        self._storage = self._storage or StorageUsage(self._folders, limits)
        return None if self._looks % _SELDOM else self._storage.look([self._pid, *tree.descendants(self._pid)])

    def _look(self) -> None:
        reached = self.look()
        if reached is None:
            self.start()
        else:
            self._next = None
            self._reached(reached)
