"""Time in a run, from its events."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any


class Clock:
    """Wall time since the first event, without the time a person kept the run waiting."""

    def __init__(self) -> None:
        self._first: datetime | None = None
        self._last: datetime | None = None
        self._before: datetime | None = None  # the event before the last
        self._entered: datetime | None = None  # into the present state
        self._waits = False
        self._waited = 0.0

    def saw(self, at: Any) -> None:
        """An event happened at this ISO 8601 time; an unreadable one is as if at the time of the last."""
        self._before = self._last
        try:
            self._last = datetime.fromisoformat(at)
        except (TypeError, ValueError):
            return
        self._first = self._first or self._last

    def rested(self) -> None:
        """Leave out the pause before this event: the kernel was dead, or the run had ended."""
        if self._before is not None and self._last is not None:
            since = self._entered if self._waits and self._entered else self._before
            self._waited += (self._last - since).total_seconds()
        self._entered, self._waits = None, False

    def moved(self, source: str, *, waits: bool) -> list[Any] | None:
        """The state that is over with its seconds, where they are known; `waits`: the run waits for a person."""
        entered, self._entered = self._entered, self._last
        spent = (self._last - entered).total_seconds() if entered and self._last else None
        if self._waits and spent is not None:
            self._waited += spent
        self._waits = waits
        return None if spent is None else [source, round(max(spent, 0.0), 4)]

    def latest(self, now: datetime | None = None) -> str:
        """The time of the picture in ISO 8601, UTC: `now`, or the last event's; empty before there is one."""
        last = now or self._last
        return last.astimezone(UTC).isoformat(timespec="seconds") if last else ""

    @property
    def ticking(self) -> bool:
        """Whether time counts right now."""
        return self._first is not None and not self._waits

    def seconds(self, now: datetime | None = None) -> float:
        """Seconds so far; with `now`, up to now."""
        if self._first is None or self._last is None:
            return 0.0
        until = self._entered if self._waits and self._entered else now or self._last
        return max((until - self._first).total_seconds() - self._waited, 0.0)
