"""One file of a journal: written by the process that holds its lock, deleted once it is drained.

Its room is written out with zeros beforehand. A flush then has to bring the new bytes to the disk and nothing else:
where a growing file also waits for the file system's own log, and so for everybody who writes, the database included.
"""

from __future__ import annotations

import itertools
import os
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from jupyter_loops.errors import HistoryError

from . import journal_frame
from .lock import FileLock

SUFFIX = ".journal"
ROOM = 1024**2  # bytes of a file; only a frame that is larger makes one larger
RESERVE = 64 * 1024  # bytes that a frame rarely exceeds
CHUNK = 8 * 1024**2  # bytes read at once when draining

_flush: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)


class Segment:
    """A journal file that this process owns. Offsets count bytes from the file's start."""

    def __init__(self, lock: FileLock, size: int) -> None:
        self._lock = lock
        self.size = size  # where the last frame ends, as far as is known
        self.drained = 0
        self.stuck = False  # what is left cannot be read
        self.texts: set[str] = set()  # SHA-256 of the texts it holds, so that each is written once
        self.runs: set[str] = set()  # whose events it holds
        self._file = _identity(os.fstat(lock.fd))

    @classmethod
    def create(cls, folder: Path, token: str = "", started_at: str = "", number: int = 0) -> Segment:
        """The next file of the journal with this token; its entry in the folder is durable.

        Names sort by the start of the journal: events must reach the database in order, whichever process drains them.
        """
        stem = f"{started_at or now()}-{os.getpid()}-{token or secrets.token_hex(6)}"
        for number_or_later in range(number, number + 100):  # whoever drains dead journals may lock a new file first
            lock = FileLock.take(folder / f"{stem}-{number_or_later:08}{SUFFIX}", create=True)
            if lock is not None:
                break
        else:
            raise HistoryError(f"{folder / stem}* could not be created: others have these files")
        try:
            _write(lock.fd, bytes(ROOM))
            os.lseek(lock.fd, 0, os.SEEK_SET)
            os.fsync(lock.fd)
            _flush_folder(folder)
        except OSError:
            lock.remove()
            raise
        return cls(lock, 0)

    @classmethod
    def owned(cls, folder: Path, token: str) -> bool:
        """Whether a living process writes the journal with this token; it may be this one."""
        return any(FileLock.is_locked(path) for path in folder.glob(f"*-{token}-*{SUFFIX}"))

    @classmethod
    def inherit(cls, path: Path) -> Segment | None:
        """The file of a dead process, or None while its owner lives."""
        lock = FileLock.take(path)
        return None if lock is None else cls(lock, os.fstat(lock.fd).st_size)

    @property
    def pending(self) -> int:
        """Bytes that are not in the database yet."""
        return self.size - self.drained

    def append(self, content: bytes) -> None:
        """Write to the operating system; survives the death of this process, not yet of the machine."""
        try:
            _write(self._lock.fd, content)
        except OSError:
            os.lseek(self._lock.fd, self.size, os.SEEK_SET)  # what it cut short is written over by the next
            raise
        self.size += len(content)

    @property
    def deleted(self) -> bool:
        """Whether the file was deleted or moved; a process that has it open can still read it."""
        try:
            return _identity(self._lock.path.stat()) != self._file
        except OSError:
            return True

    def content(self, start: int, end: int) -> bytes:
        """What was written, also where the file has been deleted."""
        if hasattr(os, "pread"):
            return os.pread(self._lock.fd, end - start, start)
        with self._lock.path.open("rb") as file:
            file.seek(start)
            return file.read(end - start)

    def waiting(self) -> bytes:
        """What is not in the database yet, as it was written."""
        return self.content(self.drained, self.size)

    def sync(self) -> None:
        """Wait until what was appended would survive the death of the machine."""
        _flush(self._lock.fd)

    def _read(self) -> Iterator[tuple[journal_frame.Fields, int]]:
        """What is not drained yet, frame for frame with the offset where it ends: CHUNK bytes, or one frame."""
        content = self.content(self.drained, min(self.drained + CHUNK, self.size))
        if self.pending > len(content) and journal_frame.frame_end(content, 0) is None:
            content = self.waiting()
        for fields, end in journal_frame.split(content):
            yield fields, self.drained + end

    def batch(self, limit: int) -> tuple[list[journal_frame.Fields], int]:
        """At most `limit` events that are not drained yet, as fields, and the offset where the last one ends."""
        events, end = [], self.drained
        for fields, end in itertools.islice(self._read(), limit):  # noqa: B007 - the last offset is wanted
            events.append(fields)
        self.stuck = not events
        return events, end

    @property
    def full(self) -> bool:
        """Whether the next frame should go elsewhere."""
        return self.size > ROOM - RESERVE

    def close(self) -> None:
        """Close the file; the next process that opens the history drains it."""
        self._lock.close()

    def remove(self) -> None:
        """Delete the file."""
        self._lock.remove()

    def retire(self) -> None:
        """Delete the file, and keep what is in it until it is closed."""
        if os.name == "posix":  # an open file cannot be deleted elsewhere, by anybody
            self._lock.path.unlink(missing_ok=True)

    def discard(self) -> Path | None:
        """Delete the drained file of an ended process.

        A damaged file is renamed instead, and its path returned; the sound events behind the damage go into a new file.
        """
        undrained = self._lock.path.read_bytes()[self.drained :]
        start = journal_frame.behind(undrained, 0) if undrained else None
        if start is None:
            self.remove()
            return None
        rescued = Segment.create(self._lock.path.parent)
        rescued.append(b"".join(journal_frame.join(fields) for fields in journal_frame.sound(undrained, start)))
        rescued.sync()
        rescued.close()
        damaged = self._lock.path.with_suffix(".damaged")
        self._lock.path.rename(damaged)
        self.close()
        return damaged


def peek(path: Path) -> list[journal_frame.Entry]:
    """What is in a file, drained or not, whoever owns it; nothing where it has just been deleted."""
    try:
        return list(journal_frame.read(path.read_bytes()))
    except FileNotFoundError:
        return []


def _identity(file_stat: os.stat_result) -> tuple[int, int]:
    return file_stat.st_dev, file_stat.st_ino


def now() -> str:
    """The time in UTC as the names of journals begin."""
    return time.strftime("%Y%m%dT%H%M%S", time.gmtime())


def _write(fd: int, content: bytes) -> None:
    """All of it: a disk that is nearly full takes a part without an error."""
    written = os.write(fd, content)
    while written < len(content):
        written += os.write(fd, content[written:])


def _flush_folder(folder: Path) -> None:
    if os.name == "posix":  # elsewhere a folder cannot be opened, and needs no flush
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
