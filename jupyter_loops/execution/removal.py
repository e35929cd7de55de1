"""Removes what a candidate has built, at any depth and size and with any permissions.

It works on descriptors, so that no link leads elsewhere. It moves inner folders to the top in place of recursion.
"""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import suppress
from itertools import count
from pathlib import Path

_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
_SAFE = {os.open, os.rename, os.unlink, os.rmdir, os.stat} <= os.supports_dir_fd and os.listdir in os.supports_fd
_OWNER_ONLY = 0o700


def remove(path: Path) -> None:
    """Remove a file, a link or a folder with its content. What cannot be removed stays, without an error."""
    with suppress(OSError):
        if path.is_symlink() or not path.is_dir():
            path.unlink()
        elif not _SAFE:
            shutil.rmtree(path, ignore_errors=True)
        else:
            _remove_folder(path)


def _remove_folder(path: Path) -> None:
    parent = os.open(path.parent, _FOLDER)
    try:
        here = _open(path.name, parent)
        try:
            _empty(here)
        finally:
            os.close(here)
        os.rmdir(path.name, dir_fd=parent)
    finally:
        os.close(parent)


def _empty(top: int) -> None:
    """Remove the content of a folder. Inner folders are moved up to it first."""
    waiting, numbers = os.listdir(top), count()
    while waiting:
        name = waiting.pop()
        with suppress(OSError):
            if not _is_folder(name, top):
                os.unlink(name, dir_fd=top)
                continue
            inner = _open(name, top)
            try:
                for inner_name in os.listdir(inner):  # noqa: PTH208 - by descriptor
                    if _is_folder(inner_name, inner):
                        os.close(_open(inner_name, inner))  # to move a folder takes the right to write to it
                        lifted = f"{os.getpid()}-{next(numbers)}-lifted"
                        os.rename(inner_name, lifted, src_dir_fd=inner, dst_dir_fd=top)
                        waiting.append(lifted)
                    else:
                        os.unlink(inner_name, dir_fd=inner)
            finally:
                os.close(inner)
            os.rmdir(name, dir_fd=top)


def _is_folder(name: str, folder: int) -> bool:
    return stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)


def _open(name: str, folder: int) -> int:
    """Open a folder of this user, also if its permissions forbid it."""
    with suppress(OSError):
        if hasattr(os, "O_PATH"):
            place = os.open(name, os.O_PATH | _FOLDER, dir_fd=folder)
            try:
                os.chmod(f"/proc/self/fd/{place}", _OWNER_ONLY)  # noqa: PTH101 - by descriptor: the name may be a link by now
            finally:
                os.close(place)
    return os.open(name, _FOLDER, dir_fd=folder)
