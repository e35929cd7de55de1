"""The view of a run that is going on."""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from jupyter_loops.core.events import Record, RunEnded

from .activity import effect
from .controls import Controls
from .live_page import LivePage
from .output_place import NotebookPage, OutputPlace, place
from .page_requests import PageRequests
from .snapshot import Snapshot

_PERIOD = 0.1  # seconds between updates, at least
_BEAT = 5.0  # seconds after which a page hears from the kernel even where nothing has changed
_RELOAD = 30.0  # seconds after which the saved picture beside a live view is renewed
_log = logging.getLogger(__name__)
_live: dict[str, LiveView] = {}  # by run id

_unattended: list[LiveView] = []  # shown by a client that takes an update only from the cell that runs


def find(run: str) -> LiveView | None:
    """The view of a run of this process, while it goes on."""
    return _live.get(run)


def renew_unattended() -> None:
    """Show how runs in the background stand, as an output of the cell that runs: nbclient ignores other cells'."""
    for view in tuple(_unattended):
        view.renew()


class LiveView:
    """A `core.ports.Listener` that draws the events; it draws on its own thread.

    `clicks` says whether a click reaches the kernel while the cell runs; if not, the view says so.
    `name` is the loop's, to show while its set-up runs, before the first event.
    """

    def __init__(self, controls: Controls | None = None, *, clicks: bool = True, name: str = "") -> None:
        self.snapshot = Snapshot(name)
        self._clicks = "none" if controls is None else "live" if clicks else "late"
        self._requests = PageRequests(controls, self._refresh, self._effect, self.snapshot.row)
        self._inbox: deque[Callable[[], None]] = deque()
        self._changed, self._hurry, self._over = threading.Event(), threading.Event(), threading.Event()
        self._run: str | None = None
        self._seq = 0  # of the run's newest event that was drawn
        self._places: list[OutputPlace] = []
        self._pages: list[LivePage] = []
        self._lock = threading.Lock()  # around what comes and goes: places, pages, the thread
        self._finished = False
        self._thread: threading.Thread | None = None

    def expect(self, facts: Mapping[str, Any]) -> None:
        """What is known of the run before its first event: run, loop, goal, model, isolation, budget, checks, tools."""
        self._belongs(str(facts["run"]))
        self._put(str(facts["run"]), lambda: self.snapshot.expect(facts))

    def catch_up(self, story: Iterable[Mapping[str, Any]]) -> None:
        """Draw earlier events, of this run or of the one that it goes on from. Called before the view is shown."""
        for record in story:
            self.snapshot.feed(record)
            if record.get("run") == self._run:
                self._seq = max(self._seq, int(record["seq"]))

    def open(self) -> None:
        """Show the view below the running cell, unless it is open. Called on the cell's thread."""
        if not self._places:
            self.show()

    def show(self) -> None:
        """Show the view below the running cell, in one place more. Called on the cell's thread."""
        with self._lock:
            if self._finished:
                return
            where = place(self._requests, self._clicks)
            if self._thread is None:
                self._fold()
            where.show(self.snapshot)
            self._places.append(where)
            if type(where) is NotebookPage:
                _unattended.append(self)
            self._begin()

    def renew(self) -> None:
        """Show the picture as it stands, or for the last time the end. Called on the thread of a cell."""
        with self._lock:
            if self._finished:
                _unattended.remove(self)
            if self._finished and not self._seq:
                return  # it never began, and its output is taken away
            for where in self._places:
                self._quietly(partial(where.finish if self._finished else where.renew, self.snapshot))

    def attach(self, page: LivePage) -> None:
        """Let a page follow the run. Called from any thread."""
        page.serve(self._requests)
        with self._lock:
            if self._finished:
                page.finish(self.snapshot)
                return
            self._pages.append(page)
            self._begin()
        self._changed.set()

    def detach(self, page: LivePage) -> None:
        """The page is gone."""
        with self._lock:
            self._pages = [each for each in self._pages if each is not page]

    def heard(self, record: Record) -> None:
        """An event has become durable."""
        if not self._belongs(record.run):
            return
        self._inbox.append(lambda: self._feed(record))
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

    def preparing(self, run: str, step: str) -> None:
        """A step of the preparation begins or, with an empty one, all of them are over."""
        self._put(run, lambda: self.snapshot.preparing(step))

    def close(self, timeout: float = 2.0) -> None:
        """Leave the static picture, and wait until it is there. Idempotent."""
        self._over.set()
        self._hurry.set()
        self._changed.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout)
        if self._thread is None:
            _live.pop(self._run or "", None)

    def _belongs(self, run: str) -> bool:
        """Whether this is the view of `run`; the first run that it hears of is its own."""
        if self._run is None:
            self._run = run
            _live[run] = self
        return self._run == run

    def _begin(self) -> None:
        """Start the thread, in the context of the cell that output belongs to."""
        if self._thread is None:
            context = contextvars.copy_context()
            work = (self._draw,)
            self._thread = threading.Thread(target=context.run, args=work, name="jupyter-loops view", daemon=True)
            self._thread.start()

    def _feed(self, record: Record) -> None:
        if record.seq > self._seq:
            self._seq = record.seq
            self.snapshot.feed(record.to_json())

    def _effect(self, command: str) -> str:
        return effect(command, self.snapshot)

    def _put(self, run: str, change: Callable[[], None]) -> None:
        if run == (self._run or run):
            self._inbox.append(change)
            self._changed.set()

    def _refresh(self) -> None:
        """A page needs the full state. Called from any thread."""
        for where in self._places:
            where.stale = True
        for page in self._pages:
            page.stale = True
        self._changed.set()

    def _fold(self) -> None:
        while self._inbox:
            self._inbox.popleft()()

    def _draw(self) -> None:
        """The thread: the view may fail, and the run goes on without it."""
        self._quietly(self._follow)
        self._quietly(self._fold)
        with self._lock:
            self._finished = True
            self.snapshot.closed()
            _live.pop(self._run or "", None)
            for finish in [each.finish for each in self._pages] + [each.finish for each in self._places]:
                self._quietly(partial(finish, self.snapshot))

    def _quietly(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:  # noqa: BLE001 -- the edge of a thread; a kernel that shuts down takes its sockets away
            _log.debug("the live view failed", exc_info=True)

    def _follow(self) -> None:
        renewed = time.monotonic()
        while not self._over.is_set():
            self._changed.wait(min(max(renewed + _RELOAD - time.monotonic(), 0.0), _BEAT))
            self._changed.clear()
            self._fold()
            if self._over.is_set():
                return
            now, renewing = datetime.now(UTC), time.monotonic() - renewed >= _RELOAD
            with self._lock:
                self._update(now, renewing=renewing)
            renewed = time.monotonic() if renewing else renewed
            self._hurry.wait(_PERIOD)

    def _update(self, now: datetime, *, renewing: bool) -> None:
        for page in self._pages:
            self._quietly(partial(page.update, self.snapshot, now))
        for where in self._places:
            where.watched = where.watched or bool(self._pages)
            where.update(self.snapshot, now)
            if renewing:
                where.renew(self.snapshot)
