"""Pushes the runs of this kernel to the pages that are open; while nothing changes, nothing is sent."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from jupyter_loops import run_groups, runs
from jupyter_loops.core.events import Record
from jupyter_loops.core.ports import Listener
from jupyter_loops.errors import LoopError
from jupyter_loops.run import Run
from jupyter_loops.run_groups import RunGroup

from .group_rows import group_row
from .run_rows import Row, live_row
from .watched_run import WatchedRun

if TYPE_CHECKING:
    from jupyter_loops.history import History

PERIOD = 0.1  # seconds between two messages, at least
_LOOK = 0.5  # seconds between two looks at a group that goes on; its parts do not say that they moved
Send = Callable[[Mapping[str, Any]], None]
_log = logging.getLogger(__name__)


class Publisher:
    """One thread for all pages. Runs are followed while there is a page, and cost nothing otherwise.

    A run inside another one is counted in the row of that one, and has no row: a map has thousands.
    """

    def __init__(self) -> None:
        self._pages: dict[int, Send] = {}
        self._watched: dict[tuple[int, str], WatchedRun] = {}  # (page, run)
        self._followed: dict[str, Run] = {}
        self._groups: dict[str, RunGroup] = {}
        self._drawn: dict[str, Row] = {}  # of groups, as they were sent last
        self._changed: set[str] = set()
        self._parts: dict[str, dict[str, int]] = {}  # run → its nested runs: total, done, verified
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._unobserve: Callable[[], object] | None = None

    def join(self, page: int, send: Send) -> None:
        """A page has opened its comm. It gets every run that goes on, and each one that changes."""
        with self._lock:
            self._pages[page] = send
            if self._unobserve is None:
                unobserve = runs.observe(self._follow), run_groups.observe(self._follow_group)
                self._unobserve = lambda: [take_back() for take_back in unobserve]
                threading.Thread(target=self._publish, name="jupyter-loops pages", daemon=True).start()
        for run in runs.registered():
            self._follow(run)
        for group in run_groups.registered():
            self._follow_group(group)
        self._wake.set()

    def leave(self, page: int) -> None:
        """The page is gone."""
        with self._lock:
            self._pages.pop(page, None)
            self._watched = {key: watched for key, watched in self._watched.items() if key[0] != page}
            if not self._pages and self._unobserve is not None:
                self._unobserve()
                self._unobserve = None
                for run in self._followed.values():
                    _listeners(run)[:] = [listener for listener in _listeners(run) if listener is not self]
                self._followed.clear()
                self._parts.clear()
        self._wake.set()

    def watch(self, page: int, watched: WatchedRun) -> None:
        """Push the whole picture of a run to a page, and again with every change."""
        self._watched[page, watched.run_id] = watched
        if (run := runs.find(watched.run_id)) is not None and not run.future.done():
            _listeners(run).append(watched)

    def unwatch(self, page: int, run_id: str) -> None:
        """The page looks elsewhere."""
        watched = self._watched.pop((page, run_id), None)
        if watched is not None and (run := runs.find(run_id)) is not None and watched in _listeners(run):
            _listeners(run).remove(watched)

    def changed(self, run_id: str) -> None:
        """A run moved. From any thread."""
        with self._lock:
            self._changed.add(run_id)
        self._wake.set()

    def heard(self, record: Record) -> None:
        """An event of a run has become durable."""
        self.changed(record.run)

    def text(self, run: str, piece: str) -> None:
        """A piece of an answer changes no row."""

    def spent(self, run: str, usage: Mapping[str, float], reserved: Mapping[str, float]) -> None:
        """The ledger moved."""
        del usage, reserved
        self.changed(run)

    def preparing(self, run: str, step: str) -> None:
        """What a run waits for changes no row."""

    def _follow(self, run: Run) -> None:
        if run.id in self._followed:
            return
        if run.relation == "nested" and run.parent is not None:
            self._count(run, run.parent)
            return
        self._followed[run.id] = run
        if not run.future.done():
            _listeners(run).append(self)
            runs.on_end(run, lambda over: self.changed(over.id))
        self.changed(run.id)

    def _follow_group(self, group: RunGroup) -> None:
        self._groups[group.id] = group
        self._wake.set()

    def _group_rows(self) -> list[Row]:
        """The rows of the groups that moved."""
        rows = [group_row(group) for group in list(self._groups.values())]
        moved = [row for row in rows if row | {"seconds": 0} != self._drawn.get(row["run"])]
        self._drawn |= {row["run"]: row | {"seconds": 0} for row in moved}
        for row in rows:
            if not row["live"]:
                self._groups.pop(row["run"], None)
        return moved

    def _count(self, run: Run, parent: str) -> None:
        parts = self._parts.setdefault(parent, {"total": 0, "done": 0, "verified": 0})
        parts["total"] += 1

        def over(ended: Run) -> None:
            parts["done"] += 1
            parts["verified"] += ended.accepted
            self.changed(parent)

        runs.on_end(run, over)
        self.changed(parent)

    def _row(self, run_id: str) -> Row | None:
        run = self._followed.get(run_id)
        if run is None:
            return None
        if run.future.done():
            self._followed.pop(run_id)  # its last row
        return {**live_row(run), "parts": self._parts.get(run_id)}

    def rows(self) -> list[Row]:
        """The rows of the runs that go on."""
        groups = [group_row(group) for group in run_groups.registered() if not group.future.done()]
        single = [run for run in runs.live() if run.relation != "nested"]
        return [*groups, *({**live_row(run), "parts": self._parts.get(run.id)} for run in single)]

    def _publish(self) -> None:
        """The thread; it ends with the last page."""
        while self._unobserve is not None:
            self._wake.wait(_LOOK if self._groups else None)
            self._wake.clear()
            with self._lock:
                changed, self._changed = self._changed, set()
            try:
                self._send_rows(changed)
                self._send_pictures()
            except Exception:  # noqa: BLE001  # the edge of a thread: a page that cannot be reached must not silence the others
                _log.debug("a row could not be sent", exc_info=True)
            threading.Event().wait(PERIOD)

    def _send_rows(self, changed: set[str]) -> None:
        rows = [row for row in map(self._row, sorted(changed)) if row is not None] + self._group_rows()
        if rows:
            message = {"kind": "rows", "rows": rows, "today": self._today(rows)}
            for send in list(self._pages.values()):
                send(message)

    def _send_pictures(self) -> None:
        for (page, run_id), watched in list(self._watched.items()):
            send = self._pages.get(page)
            if send is not None and watched.stale:
                send({"kind": "picture", "run": run_id, "picture": watched.picture()})

    def _today(self, rows: list[Row]) -> dict[str, Any] | None:
        run = self._followed.get(rows[-1]["run"]) or runs.find(rows[-1]["run"])
        return day_of(run.history) if run is not None else None


def day_of(history: History) -> dict[str, Any] | None:
    """The dollars of today of all notebooks on a history: settled, reserved; None where they are not known."""
    try:
        day = history.day().read()
    except (LoopError, OSError):
        return None
    return {"settled": day.settled, "reserved": day.reserved}


def _listeners(run: Run) -> list[Listener]:
    return run.cycle.context.recorder.listeners
