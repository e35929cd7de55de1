"""The write-ahead journal of one kernel: an event is durable here before its effect becomes visible.

Two promises. Every event that `append` has returned for survives the death of this process
(the operating system has it: a `kill -9` loses nothing). The events that cost money or that a
person caused (DURABLE) survive a power cut too: `append` waits until they, and all events before
them, are on the disk. Threads that wait at the same time share one flush.
The other events of a round are flushed with the next durable one, so after a power cut at most
the steps since the last answer are missing, and they cost nothing to repeat. A call in flight at a
power cut is among them: its answer is lost either way, and its price is unknown.

A disk that refuses, because it is full or broken, does not end a run: the journal goes on in the first spare folder
that accepts it, and first copies all that is not in the database yet. An event that is stored twice counts once.
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

from . import journal_frame, spares
from .body import chain, encode
from .journal_frame import pack
from .segment import ROOM, Segment, now

MAX_RETAINED = 64  # most drained files that are retained because their runs go on
DURABLE = frozenset({"run_started", "call_finished", "run_steered", "run_ended"})


class SegmentJournal:
    """Appends events to files in a folder. Thread-safe; opens its file with the first event."""

    def __init__(
        self,
        folder: Path,
        tip: Callable[[str], str],
        wake: Callable[[], None],
        elsewhere: Sequence[Path] = (),
        notice: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`tip` finds the last hash of a run that another process began; `wake` is called after each append."""
        self._folder, self._tip, self._wake, self._notice = folder, tip, wake, notice
        self._spares = list(elsewhere)  # where to go on when this folder's disk refuses
        self.token = secrets.token_hex(6)  # in the names of its files: the process that has them locked is alive
        self._started_at = now()
        self._numbers = itertools.count(1)  # of its files
        self._order = threading.Lock()  # of appends
        self._disk = threading.Lock()  # of flushes, and of files that a flush may touch
        self._durable = 0  # appended bytes that are on the disk, counted over all segments
        self._appended = 0
        self._segments: list[Segment] = []  # the last one is appended to
        self._preallocated: Segment | None = None
        self._retained: list[Segment] = []  # drained ones, with events of runs that go on: see requeue_open_runs
        self._tips: dict[str, str] = {}
        self._broken: OSError | None = None

    def append(self, *records: Record) -> None:
        """Return once these events of one run would survive a crash of this process, and of the machine if DURABLE.

        Several are written at once, so that a crash keeps a beginning of them.
        """
        if self._broken is not None:
            self._recover(self._broken)
        run, encoded = records[0].run, [(record, *encode(record)) for record in records]
        if run not in self._tips and records[0].seq > 1:
            self._tips.setdefault(run, self._tip(run))
        while True:
            try:
                if self._segments and self._segments[-1].deleted:
                    self._replace_deleted_file()
                with self._order:
                    self._write(run, encoded)
                    end = self._appended
                break
            except OSError as error:
                self._move_on(error)
        while not DURABLE.isdisjoint([record.event.kind for record in records]):
            try:
                self._flush(end)
                break
            except OSError as error:
                self._move_on(error)
        self._wake()

    def _replace_deleted_file(self) -> None:
        """Go on in a new file after the last was deleted or moved."""
        with self._disk, self._order:
            if not self._segments[-1].deleted:
                return
            self._carry_over()
        self._notice(f"the journal in {self._folder} was deleted or moved; it was begun anew, and no event is missing")

    def _recover(self, broken: OSError) -> None:
        """Go on where there is room again, with all retained events. Raises HistoryError."""
        with self._disk, self._order:
            try:
                self._carry_over()
            except OSError as error:
                raise self._error(broken) from error
            self._broken = None
        self._notice(f"the journal in {self._folder} can be written again")

    def requeue_open_runs(self) -> None:
        """Drain all events of open runs once more, because the database may have lost them."""
        with self._disk, self._order:
            if self._segments:
                self._carry_over()

    def _carry_over(self) -> None:
        """Go on in a new file, with all events of the runs that go on or are not in the database yet."""
        spares.build(self._folder)
        segment, waiting = self._next(self._folder), b"".join(old.waiting() for old in self._segments if old.pending)
        open_runs = {*(run.encode() for run in self._tips), *(fields[0] for fields, _ in journal_frame.split(waiting))}
        for old in [*self._retained, *self._segments]:
            segment.append(journal_frame.of_runs(old.content(0, old.size), open_runs))
            segment.runs |= old.runs & {run.decode() for run in open_runs}
        segment.sync()
        for old in [*self._retained, *self._segments, *([self._preallocated] if self._preallocated else [])]:
            old.remove()
        self._segments, self._retained, self._preallocated, self._durable = [segment], [], None, self._appended

    def _move_on(self, error: OSError) -> None:
        """Leave a disk that refused, with all that is not in the database yet. Raises HistoryError without a spare."""
        with self._disk, self._order:
            refused_folder, reason = self._folder, os.strerror(error.errno) if error.errno else str(error)
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
        self._notice(f"the journal in {refused_folder} cannot be written: {reason}. The run goes on; {where}")

    def _settle_in(self, folder: Path) -> None:
        segment = self._next(folder)
        for old in self._segments:
            segment.append(old.waiting())
            segment.texts |= old.texts
            segment.runs |= old.runs
        segment.sync()
        for old in self._segments:
            old.drained = old.size
        if self._preallocated is not None:
            self._preallocated.remove()
        self._segments.append(segment)
        self._folder, self._durable, self._preallocated = folder, self._appended, None

    def _write(self, run: str, encoded: Sequence[tuple[Record, bytes, dict[str, bytes]]]) -> None:
        segment, content, tip, new_texts = self._segment(), b"", self._tips.get(run, ""), set[str]()
        for record, body, texts in encoded:
            tip = chain(tip, body)
            new = [(sha, text) for sha, text in texts.items() if sha not in segment.texts and sha not in new_texts]
            new_texts |= texts.keys()
            content += pack(run, record.seq, tip, body, new)
        segment.append(content)
        segment.texts |= new_texts
        segment.runs.add(run)
        self._appended += len(content)
        self._tips[run] = tip
        if record.event.kind == "run_ended":
            del self._tips[run]

    def _segment(self) -> Segment:
        if not self._segments or self._segments[-1].full:
            if self._segments:
                self._segments[-1].sync()
            self._segments.append(self._preallocated or self._next(self._folder))
            self._preallocated = None
        return self._segments[-1]

    def _next(self, folder: Path) -> Segment:
        return Segment.create(folder, self.token, self._started_at, next(self._numbers))

    def _flush(self, end: int) -> None:
        with self._disk:  # a thread that waited here may find its event flushed already
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
            return [segment for segment in [*self._retained, *self._segments] if segment.pending]

    def tidy(self) -> None:
        """Delete the drained files, and have the next one ready before it is needed."""
        with self._disk, self._order:
            for segment in self._segments[:-1]:
                if not segment.pending:
                    self._segments.remove(segment)
                    segment.retire()
                    self._retained.append(segment)
            open_runs = {*self._tips}.union(*(segment.runs for segment in self._segments if segment.pending))
            for segment in list(self._retained):
                if not segment.pending and (open_runs.isdisjoint(segment.runs) or len(self._retained) > MAX_RETAINED):
                    self._retained.remove(segment)
                    segment.remove()
            crowded = bool(self._segments) and self._preallocated is None and self._segments[-1].size > ROOM // 2
        if crowded:
            with contextlib.suppress(OSError):  # the next append meets a full disk, and reports it
                self._preallocated = self._next(self._folder)

    def close(self) -> None:
        """Make everything durable, and let go of the files; drained ones are deleted."""
        if self._segments and self._segments[-1].pending and self._segments[-1].deleted:
            with contextlib.suppress(OSError, HistoryError):
                self._replace_deleted_file()
        with self._disk, self._order:
            for segment in self._retained:
                segment.remove()
            self._retained.clear()
            for segment in self._segments:
                if segment.pending:
                    segment.sync()
                    segment.close()
                else:
                    segment.remove()
            self._segments.clear()
            if self._preallocated is not None:
                self._preallocated.remove()
                self._preallocated = None
