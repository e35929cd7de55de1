"""The database behind the journals: drains them in group commits, and answers queries.

Nothing here is on a run's way: appending never waits for the database.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_loops.errors import HistoryError, NewerHistoryError

from . import lost
from .frame import Entry
from .journal import Journal
from .lease import FORMAT, BusyError, Lease, quoted, roll_back, run
from .migrations import check, migrate
from .projection import project
from .segment import SUFFIX, Segment
from .spares import private

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

BATCH = 10_000  # events in one transaction
DRAIN_PATIENCE = 2.0  # seconds that a query waits until its own run's newest events are in
PATIENCE = 30.0  # seconds that a query waits for another program
LOOK = 5.0  # seconds between two looks for runs whose kernel is gone
BATCHED = """
CREATE OR REPLACE TEMP TABLE batch AS
SELECT unnest($runs) AS run_id, unnest($seqs)::INTEGER AS seq, unnest($hashes) AS hash, unnest($bodies) AS body
"""
TEXTS = "INSERT OR IGNORE INTO texts SELECT unnest($shas), unnest($texts)"


class Store:
    """One history file, its journals beside it. Thread-safe."""

    def __init__(self, path: Path, folders: Sequence[Path], notice: Callable[[str], None]) -> None:
        """`folders` is where journals may be; the first is beside the file."""
        self.path, self.journals, self._notice = path, folders[0], notice
        self._elsewhere = folders[1:]
        self.lease = Lease(path, self.journals / "turnstile")
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
                check(cursor, self.path)
                while taken := _take(segments):
                    _insert(cursor, [entry for _, entries, _ in taken for entry in entries])
                    for segment, _, end in taken:
                        segment.drained = end
        except duckdb.Error as error:
            raise HistoryError(f"{self.path} cannot be written: {error}") from error

    @contextlib.contextmanager
    def reading(
        self, journal: Journal | None, session: DuckDBPyConnection | None = None
    ) -> Iterator[DuckDBPyConnection]:
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
    def writing(
        self, journal: Journal | None, session: DuckDBPyConnection | None = None
    ) -> Iterator[DuckDBPyConnection]:
        """A cursor inside a transaction that is committed at the end, or rolled back on an error."""
        self.open()
        self.drain(journal, PATIENCE)
        with self.lease.attached(write=True, patience=PATIENCE, session=session) as cursor:
            check(cursor, self.path)
            run(cursor, "BEGIN")
            try:
                yield cursor
            except BaseException:
                roll_back(cursor)
                raise
            run(cursor, "COMMIT")

    @contextlib.contextmanager
    def beyond(self, journal: Journal | None, folder: Path) -> Iterator[DuckDBPyConnection]:
        """A read-only cursor that may also write files into one folder."""
        self.open()
        self.drain(journal, PATIENCE)
        lease = Lease(self.path, self.journals / "turnstile", also=(folder,))
        try:
            with lease.attached(write=False, patience=PATIENCE) as cursor:
                yield cursor
        finally:
            lease.close()

    def take(self, entries: Sequence[Entry]) -> None:
        """Put events of elsewhere among the journals, to be drained like any others."""
        self.open()
        segment = Segment.create(self.journals)
        for entry in entries:
            segment.append(entry.pack())
        segment.sync()
        segment.close()

    def compact(self) -> None:
        """Write the file anew without what was deleted from it."""
        aside = self.journals / f"new-{secrets.token_hex(8)}.duckdb"
        try:
            with self.lease.attached(write=True, patience=PATIENCE) as cursor:
                run(cursor, f"ATTACH {quoted(aside)} AS anew ({FORMAT})")
                try:
                    run(cursor, "COPY FROM DATABASE history TO anew")
                finally:
                    run(cursor, "DETACH anew")
                aside.chmod(0o600)
                if os.name == "posix":  # nobody else has the file now, and none of us needs the old one
                    aside.replace(self.path)
            if os.name != "posix":  # an open file cannot be replaced there
                aside.replace(self.path)
        finally:
            aside.unlink(missing_ok=True)


def _take(segments: Sequence[Segment]) -> list[tuple[Segment, list[Entry], int]]:
    """The next events, BATCH at most, with their files and how far each is read; one transaction takes them all."""
    taken: list[tuple[Segment, list[Entry], int]] = []
    room = BATCH
    for segment in segments:
        if segment.pending and room:
            entries, end = segment.batch(room)
            if entries:
                taken.append((segment, entries, end))
                room -= len(entries)
                if end < segment.size:  # a run's events stay in order: first the rest of this file
                    break
    return taken


def _insert(cursor: DuckDBPyConnection, entries: Sequence[Entry]) -> None:
    """One transaction: all of these events with their rows and texts, or none."""
    texts = {sha: text for entry in entries for sha, text in entry.texts}
    columns = {
        "runs": [entry.run for entry in entries],
        "seqs": [entry.seq for entry in entries],
        "hashes": [entry.hash for entry in entries],
        "bodies": [entry.body for entry in entries],
    }
    run(cursor, BATCHED, columns)
    run(cursor, "BEGIN")
    try:
        project(cursor)
        if texts:
            run(cursor, TEXTS, {"shas": list(texts), "texts": list(texts.values())})
        run(cursor, "COMMIT")
    except BaseException:
        roll_back(cursor)
        raise
