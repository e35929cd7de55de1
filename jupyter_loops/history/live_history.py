"""A history while it is open: the journal, the database, and the thread between them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from jupyter_loops.errors import HistoryError

from . import leftovers, spares
from .address import Address
from .journal import SegmentJournal
from .lease import BusyError
from .lock import try_lock
from .store import Store
from .writer import Writer

OPEN_PATIENCE = 0.3  # seconds that the first use waits for another program; events are kept in the journal meanwhile
GOODBYE = 2.0  # seconds that closing, or the end of the process, waits for the database


class LiveHistory:
    """Opened files, and the writer's thread once there is something to write."""

    def __init__(self, address: Address, notice: Callable[[str], None]) -> None:
        path = address.home
        journals = path.with_name(f"{path.name}.journal")
        spares.build(journals)
        leftovers.collect(journals)
        try_lock(journals / "turnstile")  # reported at once: a folder that cannot lock files is no file in use
        elsewhere = spares.folders(path)
        self.store = Store(address, [journals, *elsewhere], notice)
        try:
            self.store.open(OPEN_PATIENCE)
        except BusyError as error:
            notice(f"{error}. Runs go on; their events are kept in the journal and will follow")
        self.writer = Writer(lambda patience: self.store.drain(self.journal, patience), notice)
        self.journal = SegmentJournal(journals, self._tip, self.writer.wake, elsewhere, notice)

    def _tip(self, run_id: str) -> str:
        """The hash of the last event of a run that this process did not begin."""
        with self.store.reading(self.journal) as cursor:
            rows = cursor.execute("SELECT tip FROM runs WHERE run_id = $run", {"run": run_id}).fetchall()
        return rows[0][0] if rows else ""

    def close(self) -> None:
        """Drain what the database accepts in time; the remainder stays in the journal."""
        free = self.writer.close(GOODBYE)
        if free:
            with contextlib.suppress(HistoryError):
                self.store.drain(self.journal, GOODBYE)
        self.journal.close()
        if free:
            self.store.close()

    def abandon(self) -> None:
        """In a forked child: leave all to the parent. Its locks are closed already (lock.py)."""
        self.store.abandon()
