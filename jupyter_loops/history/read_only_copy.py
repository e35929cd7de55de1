"""The history while its file is in use by others: a private copy of it, with the events of all journals."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from jupyter_loops.errors import HistoryError

from . import journal_frame, leftovers
from .commit import insert
from .lease import ENDS, Lease
from .migrations import upgrade
from .segment import SUFFIX

MOST = 2 * 1024**3  # bytes of a file that is copied; a larger one takes longer than anybody waits
# In a process of its own: to close a file gives back all locks that the process has on it.
COPY = """
import os, shutil, sys
os.umask(0o077)
for end in ('', '.wal'):
    if os.path.exists(sys.argv[1] + end):
        shutil.copyfile(sys.argv[1] + end, sys.argv[2] + end)
"""
State = tuple[tuple[int, int, int] | None, ...]


class ReadOnlyCopy:
    """A copy that is renewed when the file has changed. Thread-safe."""

    def __init__(self, path: Path, folder: Path) -> None:
        """`folder` is private, and has the copy."""
        self._path, self._folder = path, folder
        self._lock = threading.RLock()
        self._copied_state: State | None = None
        self._lease: Lease | None = None
        self._read: dict[Path, int] = {}  # bytes of each journal that the copy has

    def lease(self, folders: Sequence[Path]) -> Lease:
        """The copy, up to date. Raises HistoryError where none can be made."""
        import duckdb

        with self._lock:
            try:
                if self._lease is None or _state(self._path) != self._copied_state:
                    self._lease = self._renew()
                self._catch_up(self._lease, folders)
            except (duckdb.Error, OSError, subprocess.SubprocessError) as error:
                self.close()
                raise HistoryError(f"{self._path} cannot be copied: {error}") from error
            return self._lease

    def _renew(self) -> Lease:
        self.close()
        state = _state(self._path)
        if sum(file_state[1] for file_state in state if file_state) > MOST:
            raise HistoryError(f"{self._path} is too large for a copy")
        target = self._folder / leftovers.name()
        self._lease, self._copied_state = Lease(target, None), state
        copy(self._path, target)
        upgrade(self._lease)
        return self._lease

    def _catch_up(self, lease: Lease, folders: Sequence[Path]) -> None:
        paths = sorted((path for folder in folders for path in folder.glob(f"*{SUFFIX}")), key=lambda path: path.name)
        events = [fields for path in paths for fields in self._new(path)]
        if events:
            with lease.attached(write=True, patience=1.0) as cursor:
                insert(cursor, events, lease, 0.0)

    def _new(self, path: Path) -> list[journal_frame.Fields]:
        start = self._read.get(path, 0)
        try:
            with path.open("rb") as file:
                file.seek(start)
                frames = list(journal_frame.split(file.read()))
        except FileNotFoundError:
            return []
        self._read[path] = start + (frames[-1][1] if frames else 0)
        return [fields for fields, _ in frames]

    def release(self) -> None:
        """Before a fork: close DuckDB; the copy stays."""
        if self._lease is not None:
            self._lease.release()

    def abandon(self) -> None:
        """In a forked child: the copy is the parent's."""
        if self._lease is not None:
            self._lease.abandon()

    def close(self) -> None:
        """Delete the copy."""
        with self._lock:
            if self._lease is not None:
                self._lease.close()
                for end in ENDS:
                    with contextlib.suppress(OSError):
                        Path(f"{self._lease.path}{end}").unlink(missing_ok=True)
            self._lease, self._copied_state = None, None
            self._read.clear()


def copy(path: Path, target: Path) -> None:
    """Copy a database with its log, for the owner only. Raises SubprocessError."""
    command = [sys.executable, "-I", "-S", "-c", COPY, str(path), str(target)]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own


def _state(path: Path) -> State:
    """What changes whenever the file is written; None where there is no such file."""
    return tuple(_stat(Path(f"{path}{end}")) for end in ENDS[:2])


def identity(path: Path) -> tuple[int, int] | None:
    """Which file it is; None where there is none."""
    try:
        file_stat = path.stat()
    except OSError:
        return None
    return file_stat.st_dev, file_stat.st_ino


def _stat(path: Path) -> tuple[int, int, int] | None:
    try:
        file_stat = path.stat()
    except FileNotFoundError:
        return None
    return file_stat.st_ino, file_stat.st_size, file_stat.st_mtime_ns
