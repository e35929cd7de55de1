"""The view of a run that is going on."""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from jupyter_loops.core.events import Record, RunEnded

from .controls import Controls
from .output_place import OutputPlace, place
from .snapshot import Snapshot

_PERIOD = 0.1  # seconds between updates, at least
_RELOAD = 30.0  # seconds after which the saved picture beside a live view is renewed
_log = logging.getLogger(__name__)


class LiveView:
    """A `core.ports.Listener` that draws the events; it draws on its own thread.

    `clicks` says whether a click reaches the kernel while the cell runs; if not, the view says so.
    `name` is the loop's, to show while its set-up runs, before the first event.
    """

    def __init__(self, controls: Controls | None = None, *, clicks: bool = True, name: str = "") -> None:
        self.snapshot = Snapshot(name)
        self._controls, self._clicks = controls, clicks
        self._inbox: deque[Callable[[], None]] = deque()
        self._changed, self._hurry, self._over = threading.Event(), threading.Event(), threading.Event()
        self._run: str | None = None
        self._place: OutputPlace | None = None
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Show the view below the running cell. Called on the cell's thread, once, before the run starts."""
        if self._thread is not None:
            return
        self._place = place(self._controls, clicks=self._clicks, refresh=self._refresh)
        self._fold()
        self._place.show(self.snapshot)
        context = contextvars.copy_context()  # the cell that output belongs to
        self._thread = threading.Thread(target=context.run, args=(self._draw,), name="jupyter-loops view", daemon=True)
        self._thread.start()

    def heard(self, record: Record) -> None:
        """An event has become durable."""
        self._run = self._run or record.run
        if record.run != self._run:
            return
        self._inbox.append(lambda: self.snapshot.feed(record.to_json()))
        if isinstance(record.event, RunEnded):
            self._over.set()
            self._hurry.set()
        self._changed.set()

    def text(self, run: str, piece: str) -> None:
        """A piece of an answer arrived."""
        self._put(run, lambda: self.snapshot.stream(piece))

    def spent(self, run: str, usage: Mapping[str, float], reserved: Mapping[str, float]) -> None:
        """The ledger moved."""
        spent, reservation = dict(usage), dict(reserved)
        self._put(run, lambda: self.snapshot.spend(spent, reservation))

    def close(self, timeout: float = 2.0) -> None:
        """Leave the static picture, and wait until it is there. Idempotent."""
        self._over.set()
        self._hurry.set()
        self._changed.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def _put(self, run: str, change: Callable[[], None]) -> None:
        if run == (self._run or run):
            self._inbox.append(change)
            self._changed.set()

    def _refresh(self) -> None:
        """A page needs the full state. Called from any thread."""
        if self._place is not None:
            self._place.stale = True
        self._changed.set()

    def _fold(self) -> None:
        while self._inbox:
            self._inbox.popleft()()

    def _draw(self) -> None:
        """The thread: the view may fail, and the run goes on without it."""
        assert self._place is not None
        try:
            self._follow(self._place)
        except Exception:  # noqa: BLE001 -- the edge of a thread; whatever it is, the run must not suffer
            _log.debug("the live view stopped", exc_info=True)
        try:
            self._fold()
            self._place.finish(self.snapshot)
        except Exception:  # noqa: BLE001 -- same; a kernel that shuts down takes its sockets away
            _log.debug("the final picture could not be shown", exc_info=True)

    def _follow(self, where: OutputPlace) -> None:
        renewed = time.monotonic()
        while not self._over.is_set():
            self._changed.wait(max(renewed + _RELOAD - time.monotonic(), 0.0))
            self._changed.clear()
            self._fold()
            if self._over.is_set():
                return
            where.update(self.snapshot, datetime.now(UTC))
            if time.monotonic() - renewed >= _RELOAD:
                renewed = time.monotonic()
                where.renew(self.snapshot)
            self._hurry.wait(_PERIOD)
