"""The thread that moves events from the journal to the database while a run goes on."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from jupyter_loops.errors import HistoryError

from .lease import BusyError

log = logging.getLogger(__name__)

GATHER = 1.0  # seconds of events that one commit gathers; queries of this process do not wait for it
PATIENCE = 0.25  # seconds to try for the file, while a query waits for the writer
SAY = 5.0  # seconds of a file in use, before the user gets a notice
RETRY = 1.0  # seconds to leave a file alone that cannot be written


class Writer:
    """Calls `drain` soon after it was woken, for as long as the process lives."""

    def __init__(self, drain: Callable[[float], None], notice: Callable[[str], None]) -> None:
        self._drain, self._notice = drain, notice
        self._woken = threading.Event()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._start = threading.Lock()
        self._refused = 0.0  # when the file could not be had for the first time; 0.0 while it can

    def wake(self) -> None:
        """There is something to drain."""
        if not self._woken.is_set():
            self._woken.set()
        if self._thread is None:
            with self._start:
                if self._thread is None and not self._ended.is_set():
                    self._thread = threading.Thread(target=self._work, name="jupyter-loops-history", daemon=True)
                    self._thread.start()

    def _work(self) -> None:
        while not self._ended.is_set():
            self._woken.wait()
            self._ended.wait(GATHER)
            self._woken.clear()
            if not self._ended.is_set() and not self._try():
                self._woken.set()
                self._ended.wait(RETRY)

    def _try(self) -> bool:
        try:
            self._drain(PATIENCE)
        except BusyError as error:
            self._refused = self._refused or time.monotonic()
            if time.monotonic() - self._refused >= SAY:
                self._notice(f"{error}. Runs go on; their events are kept in the journal and will follow")
        except HistoryError as error:
            self._notice(f"{error}. Runs go on; their events are kept in the journal")
        except Exception:
            log.exception("the history's writer failed")
            self._notice("the history's writer failed, see the log; events are kept in the journal")
        else:
            self._refused = 0.0
            return True
        return False

    def close(self, seconds: float) -> bool:
        """End the thread, and whether it has ended in that time; it may be waiting for the file."""
        self._ended.set()
        self._woken.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(seconds)
            return not self._thread.is_alive()
        return True
