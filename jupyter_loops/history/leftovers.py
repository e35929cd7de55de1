"""Temporary files beside the journals, and those that a killed process left."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import time
from pathlib import Path

from .lock import FileLock

CLAIM = ".claim"
SETTLED = 5.0  # seconds after which a file of a process that is gone is surely not in use
OLD = 3600.0  # seconds after which a file is not in use, whoever made it
_DATABASE_NAME = re.compile(r"new-(?:(\d+)-)?[0-9a-f]+\.duckdb")


def name() -> str:
    """A name for a database that is being made; it holds the id of its process."""
    return f"new-{os.getpid()}-{secrets.token_hex(4)}.duckdb"


def collect(folder: Path) -> None:
    """Delete what ended processes left: half-made databases, and claims that no process holds."""
    for path in list(folder.iterdir()):
        with contextlib.suppress(OSError):
            if path.suffix == CLAIM:
                lock = FileLock.take(path)
                if lock is not None:
                    lock.remove()
            elif (name_match := _DATABASE_NAME.match(path.name)) and _abandoned(path, name_match[1]):
                path.unlink()


def _abandoned(path: Path, pid: str | None) -> bool:
    age = time.time() - path.stat().st_mtime
    if pid is None or age <= SETTLED:
        return age > OLD
    import psutil

    return age > OLD or not psutil.pid_exists(int(pid))
