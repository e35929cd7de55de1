"""The files that a candidate leaves: told by name and size, and kept where that is asked for."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from jupyter_loops.core.candidate import File

_MOST = 100  # files of one action
_NAME = 100  # characters of one on our side
_PIECE = 1 << 20
_OPEN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def listed(scratch: Path) -> tuple[File, ...]:
    """Regular files below a folder, by name; links are not followed and not told."""
    found = []
    for path in _paths(scratch):
        with suppress(OSError):
            state = path.lstat()
            if stat.S_ISREG(state.st_mode):
                found.append(File(name=path.relative_to(scratch).as_posix(), bytes=state.st_size))
    return tuple(sorted(found, key=lambda file: file.name))


def kept(scratch: Path, files: tuple[File, ...], folder: Path, limit: int) -> tuple[File, ...]:
    """Copy the files to `folder`, each under its digest, `limit` bytes in all; what is too large is not kept.

    The candidate may be alive, and change its folder under our hands: nothing is followed out of it.
    """
    left, found = limit, []
    for file in files:
        place = ""
        if file.bytes <= left:
            with suppress(OSError):
                place = _copy(scratch, file.name, folder, left)
        left -= file.bytes if place else 0
        found.append(File(name=file.name, bytes=file.bytes, kept=place))
    return tuple(found)


def _paths(scratch: Path) -> Iterator[Path]:
    count = 0
    for folder, _, names in os.walk(scratch):
        for name in names:
            count += 1
            if count > _MOST:
                return
            yield Path(folder, name)


def _copy(scratch: Path, name: str, folder: Path, limit: int) -> str:
    """Where the file is now, below `folder`; empty when it is not an ordinary file, or has grown too large."""
    source = _opened(scratch, name)
    with os.fdopen(source, "rb") as file:
        state = os.fstat(source)
        if not stat.S_ISREG(state.st_mode) or state.st_nlink > 1 or state.st_size > limit:
            return ""
        digest, content = hashlib.sha256(), bytearray()
        while piece := file.read(_PIECE):
            content += piece
            digest.update(piece)
            if len(content) > limit:
                return ""
    safe = re.sub(r"[^\w.-]", "_", Path(name).name)[-_NAME:].lstrip(".") or "file"
    place = folder / digest.hexdigest()[:16] / safe
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    return place.relative_to(folder).as_posix()


def _opened(scratch: Path, name: str) -> int:
    """Open a file below a folder, one step after the other, so that no link leads out of it."""
    if os.open not in os.supports_dir_fd:
        return os.open(scratch / name, _OPEN)
    *steps, last = name.split("/")
    here = os.open(scratch, os.O_RDONLY)
    try:
        for step in steps:
            there = os.open(step, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY, dir_fd=here)
            os.close(here)
            here = there
        return os.open(last, _OPEN, dir_fd=here)
    finally:
        os.close(here)
