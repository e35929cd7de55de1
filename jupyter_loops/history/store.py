"""The database behind the journals: drains them in group commits, and answers queries.

Nothing here is on a run's way: appending never waits for the database.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_loops.errors import HistoryError, NewerHistoryError

from . import lost
from .address import Address
from .frame import BEFORE, Entry, Fields, pairs
from .journal import Journal
from .lease import BusyError, Cursor, Lease, roll_back, run
from .leases import lease
from .migrations import check, migrate
from .projection import BATCH, project, script
from .segment import SUFFIX, Segment
from .spares import private

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

DRAIN_PATIENCE = 2.0  # seconds that a query waits until its own run's newest events are in
PATIENCE = 30.0  # seconds that a query waits for another program
LOOK = 5.0  # seconds between two looks for runs whose kernel is gone
STAGES = f"{BATCH}; CREATE OR REPLACE TEMP TABLE new_texts (sha VARCHAR, text VARCHAR)"
# One long text is taken over much quicker than lists, and while it is taken apart other threads of Python go on.
# What parts it is in no JSON, so in nothing that we write; what a stranger wrote is kept without it.
EVENT, FIELD = b"\x1e", b"\x1f"
STAGE = """
INSERT INTO batch SELECT part[1], part[2]::INTEGER, part[3], part[4]
FROM (SELECT string_split(unnest(string_split($events, chr(30))), chr(31)) AS part)
"""
STAGE_TEXTS = "INSERT INTO new_texts SELECT unnest($shas), unnest($texts)"
AGAIN = 0.02, 0.4  # seconds before a transaction is tried again that came second, from the first time to the last


class Store:
    """One database, and this machine's journals for it. Thread-safe."""

    def __init__(self, address: Address, folders: Sequence[Path], notice: Callable[[str], None]) -> None:
        """`folders` is where journals may be; the first is beside the file."""
        self.address, self.journals, self._notice = address, folders[0], notice
        self._elsewhere = folders[1:]
        self.lease = lease(address, self.journals / "turnstile")
        self._lock = threading.RLock()  # of draining
        self._open = False
        self._looked = float("-inf")

    @property
    def folders(self) -> list[Path]:
        """Where journals may be: beside the file, and where they went when that was refused."""
        return [self.journals, *filter(private, self._elsewhere)]

    def open(self) -> None:
        """Create or check the file. Raises HistoryError, NewerHistoryError. Idempotent."""
        with self._lock:
            if not self._open:
                migrate(self.lease, self.journals)
                self._open = True

    def drain(self, journal: Journal | None, patience: float) -> None:
        """Move everything from the journals into the database. Raises BusyError; then nothing is lost."""
        with self._lock:
            dead = self._dead()
            try:
                segments = [*dead, *(journal.undrained() if journal else [])]
                if any(segment.pending for segment in segments):
                    self.open()
                    self._move(segments, patience)
            finally:
                for segment in dead:
                    self._settle(segment)
                if journal is not None:
                    journal.tidy()

    def _dead(self) -> list[Segment]:
        """The files whose process is gone, now ours; in the order they were begun."""
        found = [path for folder in self.folders for path in folder.iterdir() if path.suffix == SUFFIX]
        names = sorted(found, key=lambda path: path.name)
        return [segment for path in names if (segment := Segment.inherit(path)) is not None]

    def _settle(self, segment: Segment) -> None:
        if segment.pending and not segment.stuck:
            segment.close()
            return
        kept = segment.bury()
        if kept is not None:
            self._notice(f"a journal was damaged; what could be read is in the history, the rest is kept in {kept}")

    def _move(self, segments: Sequence[Segment], patience: float) -> None:
        import duckdb

        try:
            with self.lease.attached(write=True, patience=patience) as cursor:
                check(cursor, self.lease.name)
                while taken := _take(segments, self.lease.BATCH):
                    self._insert(cursor, [event for _, events, _ in taken for event in events], patience)
                    for segment, _, end in taken:
                        segment.drained = end
        except duckdb.Error as error:
            if self.lease.conflicts(error):
                raise BusyError(f"{self.lease.name} is being written by others: {error}") from error
            raise HistoryError(f"{self.lease.name} cannot be written: {error}") from error

    def _insert(self, cursor: Cursor, events: Sequence[Fields], patience: float) -> None:
        """One transaction with all of these events, or none; tried again while others were quicker."""
        import duckdb

        _stage(cursor, events)
        deadline, (pause, longest) = time.monotonic() + patience, AGAIN
        while True:
            try:
                return _commit(cursor, self.lease)
            except duckdb.Error as error:
                if not self.lease.conflicts(error) or time.monotonic() > deadline:
                    raise
            time.sleep(random.uniform(0, pause))  # noqa: S311 - jitter, not a secret
            pause = min(pause * 1.5, longest)

    @contextlib.contextmanager
    def reading(self, journal: Journal | None, session: DuckDBPyConnection | None = None) -> Iterator[Cursor]:
        """A read-only cursor that sees this process's own events. Raises BusyError."""
        try:
            self.drain(journal, DRAIN_PATIENCE)
        except BusyError as error:
            self._notice(f"{error}; its newest events are in the journal and will follow")
            if not self._readable():
                self.drain(journal, PATIENCE)
        except NewerHistoryError:
            raise
        except HistoryError as error:
            self._notice(f"{error}. Its newest events are in the journal and will follow")
        self.open()
        if time.monotonic() > self._looked + LOOK:
            self._looked = time.monotonic()
            self._look()
        with self.lease.attached(write=False, patience=PATIENCE, session=session) as cursor:
            yield cursor

    def _look(self) -> None:
        """Put down which runs lost their kernel, when the file can be had at once."""
        with contextlib.suppress(BusyError):
            with self.lease.attached(write=False, patience=0.1) as cursor:
                gone = lost.unnoticed(cursor)
            if gone:
                with self.lease.attached(write=True, patience=0.1) as cursor:
                    lost.notice(cursor, gone)

    def _readable(self) -> bool:
        """Whether only readers stand in the way of writing; a query need not wait for those."""
        try:
            with self.lease.attached(write=False, patience=0):
                return True
        except BusyError:
            return False

    @contextlib.contextmanager
    def writing(self, journal: Journal | None, session: DuckDBPyConnection | None = None) -> Iterator[Cursor]:
        """A cursor inside a transaction that is committed at the end, or rolled back on an error."""
        self.open()
        self.drain(journal, PATIENCE)
        with self.lease.attached(write=True, patience=PATIENCE, session=session) as cursor:
            check(cursor, self.lease.name)
            run(cursor, "BEGIN")
            with _undone(cursor):
                yield cursor
                run(cursor, "COMMIT")

    @contextlib.contextmanager
    def beyond(self, journal: Journal | None, folder: Path) -> Iterator[Cursor]:
        """A read-only cursor that may also write files into one folder."""
        self.open()
        self.drain(journal, PATIENCE)
        reaching = lease(self.address, self.journals / "turnstile", also=(folder,))
        try:
            with reaching.attached(write=False, patience=PATIENCE) as cursor:
                yield cursor
        finally:
            reaching.close()

    def take(self, entries: Sequence[Entry]) -> None:
        """Put events of elsewhere among the journals, to be drained like any others."""
        self.open()
        segment = Segment.create(self.journals)
        for entry in entries:
            segment.append(entry.pack())
        segment.sync()
        segment.close()

    def compact(self) -> None:
        """Give back the room of what was deleted."""
        self.lease.compact(self.journals, PATIENCE)


def _take(segments: Sequence[Segment], most: int) -> list[tuple[Segment, list[Fields], int]]:
    """The next events, so many at most, with their files and how far each is read; one transaction takes them all."""
    taken: list[tuple[Segment, list[Fields], int]] = []
    room = most
    for segment in segments:
        if segment.pending and room:
            events, end = segment.batch(room)
            if events:
                taken.append((segment, events, end))
                room -= len(events)
                if end < segment.size:  # a run's events stay in order: first the rest of this file
                    break
    return taken


def _stage(cursor: Cursor, events: Sequence[Fields]) -> None:
    """Put events and texts where the transaction finds them."""
    told = EVENT.join([FIELD.join(fields[:BEFORE]) for fields in events])
    if (told.count(EVENT), told.count(FIELD)) != (len(events) - 1, len(events) * (BEFORE - 1)):
        told = EVENT.join([FIELD.join(field.translate(None, EVENT + FIELD) for field in e[:BEFORE]) for e in events])
    texts = dict(pair for fields in events if len(fields) > BEFORE for pair in pairs(fields))
    run(cursor, STAGES)
    run(cursor, STAGE, {"events": told.decode()})
    run(cursor, STAGE_TEXTS, {"shas": list(texts), "texts": list(texts.values())})


def _commit(cursor: Cursor, into: Lease) -> None:
    """All of what is staged, with its rows, or nothing."""
    if into.WHOLE:
        with _undone(cursor):
            run(cursor, script(into.TEXTS))
        return
    run(cursor, "BEGIN")
    with _undone(cursor):
        if into.FIRST:
            run(cursor, into.FIRST)
        project(cursor)
        run(cursor, into.TEXTS)
        run(cursor, "COMMIT")


@contextlib.contextmanager
def _undone(cursor: Cursor) -> Iterator[None]:
    try:
        yield
    except BaseException:
        roll_back(cursor)
        raise
