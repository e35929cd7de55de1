"""Why a history file cannot be used: derived from the class of DuckDB's error and from the file.

A path may hold any word, so DuckDB's message is only matched where the path cannot be.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from jupyter_loops.errors import HistoryError, NewerHistoryError

MAGIC = b"DUCK"  # from the ninth byte of a database on
LOCKS = Path("/proc/locks")
_LOCKED = re.compile(
    r"IO Error: Could not set lock on file \"|IO Error: Cannot open file \"\": The process cannot access"
)
_LOCKED_HERE = re.compile(r"[A-Z][\w ]* Error: Unique file handle conflict")
_NEWER = re.compile(r"database file with version number \d+|\bnewer version of DuckDB")
_DAMAGED = re.compile(r"(?:[A-Z][\w ]* Error: )?Corrupt database file: computed checksum ")
_HOLDER = re.compile(r"Conflicting lock is held in .*\(PID (\d+)\)")
REPAIR = "%loops repair makes a history of what is left in it, in journals and backups, and keeps the file"
ELSE = "choose another file with --history or JUPYTER_LOOPS_HISTORY"


class BusyError(HistoryError):
    """Another program has the history open, and has not let go in time."""


class DamagedError(HistoryError):
    """The file is a database, and cannot be read any more."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has a file open."""

    pid: int
    name: str
    started: float  # seconds since the epoch; 0.0 where it is not known

    def __str__(self) -> str:
        started = f", running since {clock(self.started)}" if self.started else ""
        return f"{self.name} (PID {self.pid}{started})"


def clock(moment: float) -> str:
    """Local time; with the date where it is not today."""
    then = datetime.fromtimestamp(moment).astimezone()
    return f"{then:%H:%M}" if then.date() == datetime.now().astimezone().date() else f"{then:%Y-%m-%d %H:%M}"


def in_use(path: Path, error: Exception) -> bool:
    """Whether another program, or this one by other means, has the file open."""
    message = _without(path, error)
    return bool(_LOCKED.match(message) or _LOCKED_HERE.match(message))


def damaged(path: Path, error: Exception) -> bool:
    """Whether a block of the file was met that is not as it was written."""
    return bool(_DAMAGED.match(_without(path, error))) and path.is_file()


def busy(name: str, path: Path, error: Exception, since: float) -> str:
    """Who has it, and since when at least (seconds since the epoch), in one line."""
    if _LOCKED_HERE.match(_without(path, error)):
        whom = "this very process, which has opened it by other means and must close it"
    else:
        pid_match = _HOLDER.search(_without(path, error))
        holder = next(holders(path), None) or (_process(int(pid_match[1])) if pid_match else None)
        whom = f"another program{f': {holder}' if holder else ''}"
    return f"{name} is in use by {whom}, since {clock(since)} or longer"


def holders(path: Path) -> Iterator[Holder]:
    """The processes with a lock on the file, as far as the system tells.

    The file is not opened for it: closing it again would give back the locks that this process has on it.
    """
    try:
        file_stat, lines = path.stat(), LOCKS.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        fields = line.split()
        if "POSIX" in fields and fields[5].endswith(f":{file_stat.st_ino}") and fields[4].isdecimal():
            yield _process(int(fields[4]))


def refusal(name: str, path: Path, error: Exception) -> HistoryError:
    """Why a file that nobody has in use cannot be opened, in one line, with the way out."""
    message = _without(path, error).partition("\n")[0]
    if place := _place(path):
        return HistoryError(f"{name} {place}; {ELSE}")
    if _NEWER.search(message):
        return NewerHistoryError(f"{name} was written by a newer DuckDB; upgrade duckdb to read it. {message}")
    if "No space left on device" in message:
        return HistoryError(f"{name} cannot be opened: the disk is full; make room, or {ELSE}")
    if not _is_database(path):
        return HistoryError(f"{name} is not a valid DuckDB database and stays as it is; {REPAIR}, or {ELSE}")
    way = f"{REPAIR}; or move it away, and a new one is made at once; %loops import takes a backup in"
    return DamagedError(f"{name} is damaged: {message}; {way}")


def unwritten(name: str, path: Path, error: Exception) -> HistoryError:
    """Why what was opened could not be written, in one line, with the way out."""
    why = (path.exists() and _place(path)) or f"cannot be written: {_without(path, error).partition(chr(10))[0]}"
    return HistoryError(f"{name} {why}; {ELSE}")


def _place(path: Path) -> str:
    """What is wrong with it before anything is read."""
    if path.is_symlink():  # what is one when it is opened is followed
        return "was replaced by a symbolic link while it was in use: put the file itself back"
    if path.is_dir():
        return "is a folder, and a history is a file"
    if is_special(path):
        return "is a pipe, a socket or a device, and a history is a file"
    if not path.exists():
        return "cannot be opened: it is not there any more"
    if not os.access(path, os.R_OK | os.W_OK) or not os.access(path.parent, os.W_OK):
        return "cannot be opened: you may not write it"
    return ""


def is_special(path: Path) -> bool:
    """Whether opening it would wait for another process, or do something: a pipe, a socket, a device."""
    return path.exists() and not path.is_file() and not path.is_dir()


def _is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(12)[8:] == MAGIC


def _without(path: Path, error: Exception) -> str:
    return str(error).replace(str(path), "")


def _process(pid: int) -> Holder:
    import psutil

    try:
        process = psutil.Process(pid)
        return Holder(pid, process.name(), process.create_time())
    except psutil.Error:
        return Holder(pid, "a process", 0.0)
