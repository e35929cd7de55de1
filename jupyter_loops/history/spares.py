"""Other places for a journal, or a whole history, where the one that was chosen refuses."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import tempfile
from pathlib import Path

REFUSALS = frozenset({errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT, errno.ENOLCK, errno.ENOTSUP})


def folders(path: Path) -> list[Path]:
    """Where the journal of a history may go on, in order: the user's state folder, then the temporary one.

    The same for every process of the user, so that the next process that opens the history finds the journals there.
    """
    import platformdirs

    name = hashlib.sha256(str(path).encode()).hexdigest()[:16]
    state = platformdirs.user_state_path("jupyter-loops", appauthor=False)
    return [*([state / "journals" / name] if state.is_absolute() else []), temporary() / name]


def temporary() -> Path:
    """The user's own folder among the temporary ones, for who has no home."""
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
    return Path(tempfile.gettempdir()) / f"jupyter-loops-{user}"


def refused(error: Exception) -> bool:
    """Whether the place is to blame: it is full, read-only, not ours, or cannot lock files."""
    return getattr(error, "errno", None) in REFUSALS or "No space left" in str(error)


def make(folder: Path) -> bool:
    """Whether the folder is there and nobody else's, made if need be."""
    with contextlib.suppress(OSError):
        build(folder.parent)
        build(folder)
        return private(folder) and private(folder.parent)
    return False


def build(folder: Path) -> None:
    """Make a folder and those above it, for the owner only whatever the umask is.

    Raises OSError where it cannot be made, or is there and others may write to it.
    """
    for missing in [path for path in reversed([folder, *folder.parents]) if not path.exists()]:
        missing.mkdir(mode=0o700, exist_ok=True)
    folder_stat = folder.lstat()
    if (
        hasattr(os, "getuid")
        and stat.S_ISDIR(folder_stat.st_mode)
        and folder_stat.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    ):
        if folder_stat.st_uid != os.getuid() != 0:
            raise PermissionError(errno.EACCES, "it belongs to another user", str(folder))
        folder.chmod(0o700)


def private(folder: Path) -> bool:
    """Whether the folder is there, and only its owner, who is this user, may write to it."""
    try:
        folder_stat = folder.lstat()
    except OSError:
        return False
    mine = not hasattr(os, "getuid") or folder_stat.st_uid == os.getuid()
    return stat.S_ISDIR(folder_stat.st_mode) and mine and not folder_stat.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
