"""The files that a candidate wrote: listed by name and size, and copied if the user asks for artifacts."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

from jupyter_loops.core.candidate import File

_MOST = 100  # files of one action
_MOST_ENTRIES = 1000  # entries of all folders, folders included
_DEEPEST = 20  # nested folders
_NAME = 100  # characters of a copy's name
_PIECE = 1 << 20
_BY_DESCRIPTOR = os.open in os.supports_dir_fd and os.scandir in os.supports_fd
_FOLDER = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_DIRECTORY", 0)
_OPEN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def listed(scratch: Path) -> tuple[File, ...]:
    """Regular files below a folder, by name. Links are neither followed nor listed."""
    with suppress(OSError), os.scandir(scratch) as entries:  # most candidates write no file: a cheap answer for them
        if next(entries, None) is None:
            return ()
    return tuple(sorted(islice(_files(scratch), _MOST), key=lambda file: file.name))


def copy_files(scratch: Path, files: tuple[File, ...], folder: Path, limit: int) -> tuple[File, ...]:
    """Copy the files to `folder`, each under its digest, at most `limit` bytes in all. Larger files are not copied.

    The candidate may be alive and may change its folder during the copy, so no link is followed.
    """
    remaining, copies = limit, []
    for file in files:
        place = ""
        if file.bytes <= remaining:
            with suppress(OSError):
                place = _copy(scratch, file.name, folder, remaining)
        remaining -= file.bytes if place else 0
        copies.append(File(name=file.name, bytes=file.bytes, kept=place))
    return tuple(copies)


def _files(scratch: Path) -> Iterator[File]:
    """The first files, found in bounded time whatever the candidate has built."""
    folders, entry_count = [""], 0
    while folders:
        parent = folders.pop()
        with suppress(OSError), _scanned(scratch, parent) as entries:
            for entry in entries:
                entry_count += 1
                if entry_count > _MOST_ENTRIES:
                    return
                name = f"{parent}/{entry.name}" if parent else entry.name
                state = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(state.st_mode) and name.count("/") < _DEEPEST:
                    folders.append(name)
                elif stat.S_ISREG(state.st_mode):
                    yield File(name=name, bytes=state.st_size)


@contextmanager
def _scanned(scratch: Path, name: str) -> Iterator[Iterator[os.DirEntry[str]]]:
    if not _BY_DESCRIPTOR:
        with os.scandir(scratch / name) as entries:
            yield entries
        return
    folder = _opened(scratch, name, _FOLDER)
    try:
        with os.scandir(folder) as entries:
            yield entries
    finally:
        os.close(folder)


def _copy(scratch: Path, name: str, folder: Path, limit: int) -> str:
    """The path of the copy below `folder`; empty if the source is no regular file or is too large."""
    source = _opened(scratch, name, _OPEN)
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


def _opened(scratch: Path, name: str, how: int) -> int:
    """Open a path below a folder one component at a time, so that no link leads out of it."""
    if not _BY_DESCRIPTOR:
        return os.open(scratch / name, how)
    *steps, last = name.split("/") if name else ["."]
    here = os.open(scratch, _FOLDER)
    try:
        for step in steps:
            there = os.open(step, _FOLDER, dir_fd=here)
            os.close(here)
            here = there
        return os.open(last, how, dir_fd=here)
    finally:
        os.close(here)
