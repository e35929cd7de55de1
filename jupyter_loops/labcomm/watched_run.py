"""A run that a page looks at: its whole picture, live or from the history."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from jupyter_loops.core.events import Record
from jupyter_loops.history import History
from jupyter_loops.view.snapshot import Snapshot


class WatchedRun:
    """A `core.ports.Listener` of one run. Listen first, then `load`: an event that comes twice is folded once."""

    def __init__(self, run_id: str, changed: Callable[[], None]) -> None:
        self.run_id = run_id
        self.stale = True  # changed since its last picture
        self._changed = changed
        self._snapshot = Snapshot()
        self._inbox: deque[Callable[[], None]] = deque()
        self._seq = 0

    def expect(self, facts: Mapping[str, Any]) -> None:
        """Show what is known of a run that has no event yet."""
        self._snapshot.expect(facts)

    def load(self, history: History) -> None:
        """Fold what the history has. Raises HistoryError."""
        for record in history.story(self.run_id):
            self._fold(record)

    def heard(self, record: Record) -> None:
        """An event has become durable."""
        if record.run == self.run_id:
            self._put(lambda: self._fold(record.to_json()))

    def text(self, run: str, piece: str) -> None:
        """A piece of an answer arrived."""
        if run == self.run_id:
            self._put(lambda: self._snapshot.stream(piece))

    def spent(self, run: str, usage: Mapping[str, float], reserved: Mapping[str, float]) -> None:
        """The ledger moved."""
        if run == self.run_id:
            self._put(lambda: self._snapshot.spend(usage, reserved))

    def preparing(self, run: str, step: str) -> None:
        """A step of the preparation begins; an empty one ends it."""
        if run == self.run_id:
            self._put(lambda: self._snapshot.preparing(step))

    def picture(self) -> dict[str, Any]:
        """The run as it stands now, as its widget and its saved picture have it."""
        self.stale = False
        while self._inbox:
            self._inbox.popleft()()
        over = self._snapshot.termination is not None
        return self._snapshot.to_json(now=None if over else datetime.now(UTC))

    def _put(self, change: Callable[[], None]) -> None:
        self._inbox.append(change)
        self.stale = True
        self._changed()

    def _fold(self, record: Mapping[str, Any]) -> None:
        if record["run"] != self.run_id or record["seq"] > self._seq:
            self._snapshot.feed(record)
            self._seq = record["seq"] if record["run"] == self.run_id else self._seq
