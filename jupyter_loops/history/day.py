"""What all kernels together may spend in a day: one small file beside the history, held for microseconds at a time.

The history alone cannot tell: a kernel's newest calls are in its own journal, and what another kernel has reserved is
in no journal at all. So every paid call of this machine is entered here, reserved before it leaves and settled
afterwards, under a lock that dies with its holder. Where the file is missing, or another machine has spent from the
same history, the history's own sum is taken over when a run begins. What a dead kernel had reserved stays reserved
for the rest of the day: it may have cost money. Days are UTC, as everywhere in the history.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from jupyter_loops.errors import BudgetError, HistoryError

from .lock import FileLock

PATIENCE = 5.0  # seconds to wait for another kernel, which holds the file for far less than a millisecond
AHEAD = timedelta(days=2)  # that a clock may have been wrong
NEAR = 1e-9  # US dollars: what adding up floats may do


@dataclass(slots=True)
class DayFile:
    """One day."""

    day: str
    settled: float = 0.0  # US dollars
    reserved: float = 0.0


class DayBook:
    """The dollars of a day, shared by all kernels that use a history. `limit` None: it only keeps the book."""

    def __init__(self, path: Path, limit: float | None = None) -> None:
        self.path, self.limit = path, limit

    @property
    def scope(self) -> str:
        """Whose money it is; empty where there is no limit."""
        return "" if self.limit is None else f"today's ${self.limit:g} of all notebooks (--daily-usd)"

    def learn(self, spent: float) -> None:
        """Take over what the history knows of today, where it is more. Raises HistoryError."""
        with self._page() as page:
            page.settled = max(page.settled, spent)

    def take(self, least: float, requested: float) -> float:
        """Reserve as much of `requested` as there is. Raises BudgetError where that is less than `least`."""
        with self._page() as page:
            free = requested if self.limit is None else self.limit - page.settled - page.reserved
            if free < least - NEAR:
                raise BudgetError("usd", least, free, self.scope)
            reserved = min(requested, max(free, 0.0))
            page.reserved += reserved
            return reserved

    def settle(self, reserved: float, used: float) -> None:
        """Replace a reservation by what was used."""
        with self._page() as page:
            page.reserved = max(page.reserved - reserved, 0.0)
            page.settled += used

    def read(self) -> DayFile:
        """Today, as it stands."""
        with self._page() as page:
            return page

    def _lock(self) -> FileLock | None:
        try:
            self.path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
            return FileLock.wait(self.path, PATIENCE)
        except OSError:
            return None

    @contextlib.contextmanager
    def _page(self) -> Iterator[DayFile]:
        """Today's page, written back at the end. Without a limit, a file that cannot be had is done without."""
        lock = self._lock()
        if lock is None:
            if self.limit is not None:
                raise HistoryError(f"{self.scope} cannot be kept: {self.path} cannot be locked and written")
            yield DayFile("")
            return
        try:
            page = _read(lock.fd)
            yield page
            _write(lock.fd, page)
        finally:
            lock.close()


def midnight() -> datetime:
    """When today began, in UTC."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _read(fd: int) -> DayFile:
    now = midnight().date()
    today, ahead = now.isoformat(), (now + AHEAD).isoformat()
    os.lseek(fd, 0, os.SEEK_SET)
    try:
        page = DayFile(**json.loads(os.read(fd, 4096)))
        page.settled, page.reserved = max(float(page.settled), 0.0), max(float(page.reserved), 0.0)
    except (ValueError, TypeError):
        return DayFile(today)
    return page if today <= str(page.day) <= ahead else DayFile(today)  # a clock that was set back gives no money back


def _write(fd: int, page: DayFile) -> None:
    body = json.dumps(asdict(page)).encode()
    os.lseek(fd, 0, os.SEEK_SET)
    os.write(fd, body)
    os.ftruncate(fd, len(body))
