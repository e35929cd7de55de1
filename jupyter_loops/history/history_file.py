"""A history's life cycle: its place, its journal, when it is opened, its notices."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable
from pathlib import Path

from jupyter_loops.core.events import Record
from jupyter_loops.errors import HistoryError

from . import spares
from .address import Address, data_folder
from .glance import Glances
from .journal import SegmentJournal
from .live_history import LiveHistory

log = logging.getLogger(__name__)
ELSEWHERE = "instead-of-"


class HistoryFile:
    """One database and this process's journal for it. Thread-safe; costs nothing until it is used."""

    def __init__(self, path: str | Path | None = None, *, read_only: bool = False) -> None:
        """`path` may be an address (address.py). With `read_only` nothing is created, migrated or drained."""
        self.address = Address.of(path)
        self._glances = Glances(self.address) if read_only else None
        self.notices: list[str] = []  # for the user, each once
        self.listeners: list[Callable[[str], None]] = []  # called with each new notice, on any thread
        self._lock = threading.RLock()
        self._live: LiveHistory | None = None
        OPENED.add(self)

    @property
    def path(self) -> Path:
        """The file; of a server or a lake the path beside which this machine keeps journals and artifacts."""
        return self.address.home

    @property
    def journal(self) -> SegmentJournal:
        """Where events go. Raises HistoryError when this history cannot be written, NewerHistoryError."""
        return self._opened().journal

    def append(self, *records: Record) -> None:
        """Make events durable."""
        self.journal.append(*records)

    def flush(self, patience: float = 30.0) -> None:
        """Move everything into the database now. Raises HistoryError when another program keeps it locked."""
        live = self._opened()
        live.store.drain(live.journal, patience)

    @property
    def note(self) -> str:
        """Who has the file open, where the last answer came from a copy of it; empty where it came from the file."""
        return self._live.store.note if self._live is not None else ""

    def close(self) -> None:
        """Drain for some seconds at most, then close; the next process that opens it drains the remainder."""
        with self._lock:
            live, self._live = self._live, None
        if live is not None:
            live.close()

    def notice(self, text: str) -> None:
        """Give the user a notice, once."""
        if text not in self.notices:
            self.notices.append(text)
            for listener in list(self.listeners):
                listener(text)
            log.warning("%s", text)

    def tell(self, listener: Callable[[str], None]) -> Callable[[object], None]:
        """Call `listener` with new notices, on any thread, until the returned function is called."""
        self.listeners.append(listener)
        return lambda _: self.listeners.remove(listener)

    def _opened(self) -> LiveHistory:
        import duckdb

        if self._glances is not None:
            raise HistoryError(f"{self.address.text} is open for reading only")
        with self._lock:
            if self._live is None:
                try:
                    self._live = LiveHistory(self.address, self.notice)
                except (OSError, duckdb.Error) as error:
                    cause = getattr(error, "strerror", None) or str(error).partition("\n")[0]
                    if spares.refused(error) and self._elsewhere(cause):
                        return self._opened()
                    raise HistoryError(
                        f"no history can be kept in {self.path.parent}: {cause}; "
                        "choose another file with --history or JUPYTER_LOOPS_HISTORY"
                    ) from error
            return self._live

    def _elsewhere(self, cause: str) -> bool:
        """Whether the history could be put elsewhere, because its folder takes nothing; a chosen one must be there."""
        chosen = self.path
        there = chosen.parent.is_dir() or chosen.parent == data_folder()
        if self.address.kind != "file" or not there or chosen.name.startswith(ELSEWHERE):
            return False
        for folder in spares.folders(chosen):
            if spares.make(folder):
                self.address = Address.of(folder / f"{ELSEWHERE}{chosen.name}")
                self.notice(
                    f"no history can be kept in {chosen.parent}: {cause}. What happens now is kept in "
                    f"{self.path}; choose another file with --history or JUPYTER_LOOPS_HISTORY"
                )
                return True
        return False

    def before_fork(self) -> None:
        """Leave nothing open that a child could not take down."""
        if self._live is not None:
            self._live.store.release()

    def after_fork(self) -> None:
        """In a forked child: start over, with a journal of its own."""
        self._lock = threading.RLock()
        if self._live is not None:
            self._live.abandon()
            self._live = None


OPENED: weakref.WeakSet[HistoryFile] = weakref.WeakSet()
