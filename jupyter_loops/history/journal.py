"""The write-ahead journal of one kernel: an event is durable here before its effect becomes visible.

Two promises. Every event that `append` has returned for survives the death of this process
(it is in the operating system's hands: a `kill -9` loses nothing). The events that money or a
person stands behind (DURABLE) survive the death of the machine too: `append` waits for the disk, and
takes along whatever was appended before. Threads that wait at the same time share one flush.
The other events of a round are flushed with the next durable one, so after a power cut at most
the steps since the last answer are missing, and they cost nothing to repeat. A call that had left
when the power failed is among them: its answer is lost either way, and its price is not known.

A disk that refuses, because it is full or broken, does not end a run: the journal goes on in the first spare folder
that takes it, beginning with a copy of all that is not in the database yet. What is stored twice counts once.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from jupyter_loops.core.events import Record
from jupyter_loops.errors import HistoryError

from . import spares
from .body import chain, encode
from .frame import Entry
from .segment import ROOM, Segment, now

DURABLE = frozenset({"run_started", "call_finished", "steered", "run_ended"})


class Journal:
    """Appends events to files in a folder. Thread-safe; opens its file with the first event."""

    def __init__(
        self,
        folder: Path,
        tip: Callable[[str], str],
        wake: Callable[[], None],
        elsewhere: Sequence[Path] = (),
        notice: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`tip` finds the last hash of a run that another process began; `wake` hears of each append."""
        self._folder, self._tip, self._wake, self._notice = folder, tip, wake, notice
        self._spares = list(elsewhere)  # where to go on when this folder's disk refuses
        self.token = secrets.token_hex(6)  # in the names of its files: whoever has them locked is alive
        self._begun = now()
        self._numbers = itertools.count(1)  # of its files
        self._order = threading.Lock()  # of appends
        self._disk = threading.Lock()  # of flushes, and of files that a flush may touch
        self._durable = 0  # appended bytes that are on the disk, counted over all segments
        self._appended = 0
        self._segments: list[Segment] = []  # the last one is appended to
        self._spare: Segment | None = None
        self._tips: dict[str, str] = {}
        self._broken: OSError | None = None

    def append(self, record: Record) -> None:
        """Return once the event would survive a crash of this process, and of the machine if it is DURABLE."""
        if self._broken is not None:
            raise self._error(self._broken)
        body, texts = encode(record)
        if record.seq > 1 and record.run not in self._tips:
            self._tips.setdefault(record.run, self._tip(record.run))
        while True:
            try:
                with self._order:
                    self._write(record, body, texts)
                    end = self._appended
                break
            except OSError as error:
                self._move_on(error)
        while record.event.kind in DURABLE:
            try:
                self._flush(end)
                break
            except OSError as error:
                self._move_on(error)
        self._wake()

    def _move_on(self, error: OSError) -> None:
        """Leave a disk that refused, with all that is not in the database yet. Raises HistoryError without a spare."""
        with self._disk, self._order:
            left, reason = self._folder, os.strerror(error.errno) if error.errno else str(error)
            while self._spares:
                folder = self._spares.pop(0)
                with contextlib.suppress(OSError, HistoryError):
                    if spares.make(folder):
                        self._settle_in(folder)
                        break
            else:
                self._broken = error
                raise self._error(error) from error
        where = f"its events are kept in {self._folder}, and will follow when they can"
        self._notice(f"the journal in {left} cannot be written: {reason}. The run goes on; {where}")

    def _settle_in(self, folder: Path) -> None:
        segment = self._next(folder)
        for old in self._segments:
            segment.append(old.waiting())
            segment.texts |= old.texts
        segment.sync()
        for old in self._segments:
            old.drained = old.size
        if self._spare is not None:
            self._spare.remove()
        self._segments.append(segment)
        self._folder, self._durable, self._spare = folder, self._appended, None

    def _write(self, record: Record, body: str, texts: dict[str, str]) -> None:
        segment = self._segment()
        entry_hash = chain(self._tips.get(record.run, ""), body)
        new = tuple((sha, text) for sha, text in texts.items() if sha not in segment.texts)
        content = Entry(record.run, record.seq, entry_hash, body, new).pack()
        segment.append(content)
        segment.texts.update(texts)
        self._appended += len(content)
        if record.event.kind == "run_ended":
            self._tips.pop(record.run, None)
        else:
            self._tips[record.run] = entry_hash

    def _segment(self) -> Segment:
        if not self._segments or self._segments[-1].full:
            if self._segments:
                self._segments[-1].sync()
            self._segments.append(self._spare or self._next(self._folder))
            self._spare = None
        return self._segments[-1]

    def _next(self, folder: Path) -> Segment:
        return Segment.create(folder, self.token, self._begun, next(self._numbers))

    def _flush(self, end: int) -> None:
        with self._disk:  # whoever waited here finds that the flush before took its event along
            if self._durable >= end:
                return
            with self._order:
                segment, appended = self._segments[-1], self._appended
            segment.sync()  # what the disk refused once may be lost though a later flush succeeds: see _move_on
            self._durable = appended

    def _error(self, error: OSError) -> HistoryError:
        reason = os.strerror(error.errno) if error.errno else str(error)
        return HistoryError(
            f"the journal in {self._folder} cannot be written: {reason}; "
            "choose another file with --history or JUPYTER_LOOPS_HISTORY"
        )

    @property
    def pending(self) -> int:
        """Bytes that are not in the database yet."""
        with self._order:
            return sum(segment.pending for segment in self._segments)

    def undrained(self) -> list[Segment]:
        """The files that hold something for the database, oldest first."""
        with self._order:
            return [segment for segment in self._segments if segment.pending]

    def tidy(self) -> None:
        """Delete the drained files, and have the next one ready before it is needed."""
        with self._disk, self._order:
            for segment in self._segments[:-1]:
                if not segment.pending:
                    self._segments.remove(segment)
                    segment.remove()
            crowded = bool(self._segments) and self._spare is None and self._segments[-1].size > ROOM // 2
        if crowded:
            with contextlib.suppress(OSError):  # a full disk is met, and told, by the next append
                self._spare = self._next(self._folder)

    def close(self) -> None:
        """Make everything durable, and let go of the files; drained ones are deleted."""
        with self._disk, self._order:
            for segment in self._segments:
                if segment.pending:
                    segment.sync()
                    segment.close()
                else:
                    segment.remove()
            self._segments.clear()
            if self._spare is not None:
                self._spare.remove()
                self._spare = None

    def abandon(self) -> None:
        """In a forked child: close the parent's files without touching what is in them."""
        for segment in [*self._segments, *([self._spare] if self._spare else [])]:
            segment.close()
