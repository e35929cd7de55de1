"""The database behind the journals: drains them in group commits, and answers queries.

Nothing here is on a run's way: appending never waits for the database.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_loops.errors import HistoryError, NewerHistoryError

from . import file_errors, lost
from .address import Address
from .commit import insert, undone
from .journal import SegmentJournal
from .journal_frame import Entry, Fields
from .lease import BusyError, Cursor, run
from .leases import lease
from .leftovers import CLAIM
from .lock import FileLock
from .migrations import check, migrate
from .read_only_copy import ReadOnlyCopy, identity
from .segment import SUFFIX, Segment, peek
from .spares import build, private

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

PATIENCE = 1.0  # seconds that a person's question waits for another program
BUSY_SECONDS = 5.0  # for which a file that was in use is taken to be so still
SHORT = 0.02  # seconds to wait for it then
BEHIND = "an older copy was put in its place. Runs that go on are whole again; others are as that copy has them"
STORED_EVENTS = "SELECT run_id, events FROM runs WHERE run_id IN (SELECT unnest($runs::VARCHAR[]))"
LOOK = 5.0  # seconds between two checks for runs whose kernel has ended


class Store:
    """One database, and this machine's journals for it. Thread-safe."""

    def __init__(self, address: Address, folders: Sequence[Path], notice: Callable[[str], None]) -> None:
        """`folders` is where journals may be; the first is beside the file."""
        self.address, self.journals, self._notice = address, folders[0], notice
        self._elsewhere = folders[1:]
        self.lease = lease(address, self.journals / "turnstile")
        self._lock = threading.RLock()  # of draining
        self._standby = ReadOnlyCopy(self.lease.path, self.journals)
        self.note = ""  # who has the file open, where the last answer came from a copy of it
        self._open, self._identity = False, identity(self.lease.path)
        self._looked = self._refused = float("-inf")

    @property
    def folders(self) -> list[Path]:
        """Where journals may be: beside the file, and where they went when that was refused."""
        return [self.journals, *filter(private, self._elsewhere)]

    def owned(self, token: str) -> bool:
        """Whether a living process of this machine writes the journal with this token; it may be this one."""
        return bool(token) and any(Segment.owned(folder, token) for folder in self.folders)

    def living(self, cursor: Cursor) -> set[str]:
        """The runs that go on or wait on this machine, or have events in a journal that the database has not."""
        going = {run_id for run_id, journal in run(cursor, lost.GOING) if self.owned(journal)}
        claims = [path for path in self.journals.glob(f"*{CLAIM}") if FileLock.is_locked(path)]
        stored = dict(run(cursor, "SELECT run_id, events FROM runs"))
        journals = [path for folder in self.folders for path in folder.glob(f"*{SUFFIX}")]
        entries = [entry for path in journals for entry in peek(path)]
        going |= {entry.run for entry in entries if entry.seq > stored.get(entry.run, 0)}
        return going | {path.name.removesuffix(CLAIM) for path in claims}

    def open(self, patience: float = PATIENCE) -> None:
        """Create or check the file. Raises HistoryError, NewerHistoryError. Idempotent."""
        with self._lock:
            if not self._open:
                migrate(self.lease, self.journals, patience=patience)
                self._open, self._identity = True, identity(self.lease.path)

    def drain(self, journal: SegmentJournal | None, patience: float) -> None:
        """Move everything from the journals into the database. Raises BusyError; then nothing is lost."""
        with self._lock:
            damaged = False
            self._find(journal)
            dead = self._dead()
            try:
                live = journal.undrained() if journal is not None else []
                if any(segment.pending for segment in [*dead, *live]):
                    self.open(patience)
                    if self._move(dead, live, patience) and journal is not None:
                        self._notice(f"{self.lease.name} lacks events that it had: {BEHIND}")
                        journal.requeue_open_runs()
                        self._move([*dead, *journal.undrained()], [], patience)
            finally:
                for segment in dead:
                    damaged |= self._settle(segment)
                if journal is not None:
                    journal.tidy()
            if damaged:  # what was sound behind the hole
                self.drain(journal, patience)

    def _find(self, journal: SegmentJournal | None) -> None:
        """Notice a folder or a file that was deleted, moved, or replaced; make it again with all retained events."""
        if self.address.kind != "file":
            return
        try:
            build(self.journals)
        except OSError as error:
            raise HistoryError(f"{self.journals} is gone, and cannot be made anew: {error.strerror}") from error
        current = identity(self.lease.path)
        if self._open and current != self._identity:
            self._open = False  # what is there now may be older, or no history
            if current is None and not self.lease.path.is_symlink():
                self._notice(f"{self.lease.name} was deleted or moved; it is made anew, with the runs that go on")
            if journal is not None:
                with contextlib.suppress(OSError):  # the next event meets a disk that refuses, and reports it
                    journal.requeue_open_runs()
        self._identity = current

    def _dead(self) -> list[Segment]:
        """The journal files of ended processes, locked by this one; in the order of their start."""
        paths = [path for folder in self.folders for path in folder.iterdir() if path.suffix == SUFFIX]
        names = sorted(paths, key=lambda path: path.name)
        return [segment for path in names if (segment := Segment.inherit(path)) is not None]

    def _settle(self, segment: Segment) -> bool:
        """Delete a drained file; gives whether it was damaged."""
        if segment.pending and not segment.stuck:
            segment.close()
            return False
        damaged = segment.discard()
        if damaged is not None:
            self._notice(
                f"a journal was damaged; what is sound in it is in the history, and all of it is kept in {damaged}: "
                "%loops verify names what is missing, %loops import takes it in again"
            )
        return damaged is not None

    def _move(self, inherited: Sequence[Segment], live: Sequence[Segment], patience: float) -> bool:
        """Store the events; gives whether the database lacks earlier ones than `live`, which are not stored then."""
        import duckdb

        stored = [(segment, segment.drained) for segment in (*inherited, *live)]
        written = identity(self.lease.path)
        try:
            with self.lease.attached(write=True, patience=patience) as cursor:
                if not check(cursor, self.lease.name):
                    self._open = False
                    raise HistoryError(f"{self.lease.name} is empty; it is made anew")
                while batches := _take([*inherited, *live], self.lease.BATCH):
                    if self.address.kind == "file" and _behind(
                        cursor, [batch for batch in batches if batch[0] in live]
                    ):
                        return True
                    insert(cursor, [e for _, events, _ in batches for e in events], self.lease, patience)
                    for segment, _, end in batches:
                        segment.drained = end
        except duckdb.Error as error:
            if self.lease.conflicts(error):
                raise BusyError(f"{self.lease.name} is being written by others: {error}") from error
            raise file_errors.unwritten(self.lease.name, self.lease.path, error) from error
        finally:
            replaced = self.address.kind == "file" and identity(self.lease.path) != written
            if replaced:  # meanwhile: what was written is in a file that is not there any more
                for segment, drained in stored:
                    segment.drained = drained
        if replaced:
            raise BusyError(f"{self.lease.name} was replaced while events were written to it; they follow")
        return False

    @contextlib.contextmanager
    def reading(
        self, journal: SegmentJournal | None, session: DuckDBPyConnection | None = None, patience: float = PATIENCE
    ) -> Iterator[Cursor]:
        """A read-only cursor that sees this process's own events.

        Where another program has the file for longer, it is in a copy, and `note` says so. Raises BusyError where there
        can be none.
        """
        with contextlib.ExitStack() as stack:
            yield self._enter(stack, journal, session, self._busy_patience(patience))

    def _enter(
        self,
        stack: contextlib.ExitStack,
        journal: SegmentJournal | None,
        session: DuckDBPyConnection | None,
        patience: float,
    ) -> Cursor:
        try:
            self._bring(journal, patience)
            self.open(patience)
            if time.monotonic() > self._looked + LOOK:
                self._looked = time.monotonic()
                self._look()
            cursor = stack.enter_context(self.lease.attached(write=False, patience=patience, session=session))
        except BusyError as error:
            self._refused = time.monotonic()
            return stack.enter_context(self._read_copy(error, session))
        self.note, self._refused = "", float("-inf")
        return cursor

    def _bring(self, journal: SegmentJournal | None, patience: float) -> None:
        """Drain; a failure other than a file in use is reported."""
        try:
            self.drain(journal, patience)
        except (BusyError, NewerHistoryError):
            raise
        except HistoryError as error:
            self._notice(f"{error}. Its newest events are in the journal and will follow")

    def _busy_patience(self, patience: float) -> float:
        """How long to wait for a file, that may have been in use a moment ago."""
        return min(patience, SHORT) if time.monotonic() < self._refused + BUSY_SECONDS else patience

    @contextlib.contextmanager
    def _read_copy(self, busy: BusyError, session: DuckDBPyConnection | None) -> Iterator[Cursor]:
        """A cursor in a copy of a file that is in use; in the file itself where only readers are in the way."""
        try:
            if self.address.kind != "file":
                raise busy
            copy = self._standby.lease(self.folders)
        except HistoryError:
            copy = self.lease
        self.note = f"{busy}; the history is read from a copy of it" if copy is not self.lease else str(busy)
        with copy.attached(write=False, patience=0.0, session=session) as cursor:
            yield cursor

    def _look(self) -> None:
        """Put down which runs lost their kernel, when the file can be had at once."""
        import duckdb

        with contextlib.suppress(BusyError, duckdb.CatalogException):  # a table that is gone is told by `verify`
            with self.lease.attached(write=False, patience=0.1) as cursor:
                lost_runs = lost.unnoticed(cursor, self.owned)
            if lost_runs:
                with self.lease.attached(write=True, patience=0.1) as cursor:
                    lost.notice(cursor, lost_runs)

    @contextlib.contextmanager
    def writing(self, journal: SegmentJournal | None, session: DuckDBPyConnection | None = None) -> Iterator[Cursor]:
        """A cursor inside a transaction that is committed at the end, or rolled back on an error."""
        self.open()
        self.drain(journal, PATIENCE)
        with self.lease.attached(write=True, patience=PATIENCE, session=session) as cursor:
            check(cursor, self.lease.name)
            run(cursor, "BEGIN")
            with undone(cursor):
                yield cursor
                run(cursor, "COMMIT")

    @contextlib.contextmanager
    def beyond(self, journal: SegmentJournal | None, folder: Path) -> Iterator[Cursor]:
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
        """Give back the room of what was deleted; later, where the file is in use."""
        try:
            self.lease.compact(self.journals, PATIENCE)
        except BusyError as error:
            self._notice(f"{error}. What was asked for is done, and the file becomes smaller another time")

    def release(self) -> None:
        """Before a fork: let go of the databases."""
        self.lease.release()
        self._standby.release()

    def abandon(self) -> None:
        """In a forked child: leave the databases as they are."""
        self.lease.abandon()
        self._standby.abandon()

    def close(self) -> None:
        """Let go of the file, and of the copy of it."""
        self._standby.close()
        self.lease.close()


def _behind(cursor: Cursor, batches: Sequence[tuple[Segment, list[Fields], int]]) -> bool:
    """Whether the file lacks events that come before these: an older file was copied over it."""
    first: dict[str, int] = {}
    for _, events, _ in batches:
        for fields in events:
            first.setdefault(fields[0].decode(), int(fields[1]))
    later = {name: seq for name, seq in first.items() if seq > 1}
    stored = dict(run(cursor, STORED_EVENTS, {"runs": list(later)})) if later else {}
    return any(seq > stored.get(name, 0) + 1 for name, seq in later.items())


def _take(segments: Sequence[Segment], most: int) -> list[tuple[Segment, list[Fields], int]]:
    """The next events, so many at most, with their files and how far each is read; one transaction takes them all."""
    batches: list[tuple[Segment, list[Fields], int]] = []
    room = most
    for segment in segments:
        if segment.pending and room:
            events, end = segment.batch(room)
            if events:
                batches.append((segment, events, end))
                room -= len(events)
                if end < segment.size:  # a run's events stay in order: first the rest of this file
                    break
    return batches
