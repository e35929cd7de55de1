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

    The same for every process of the user, so that whoever opens the history next finds what is left there.
    """
    import platformdirs

    name = hashlib.sha256(str(path).encode()).hexdigest()[:16]
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
    return [
        platformdirs.user_state_path("jupyter-loops", appauthor=False) / "journals" / name,
        Path(tempfile.gettempdir()) / f"jupyter-loops-{user}" / name,
    ]


def refused(error: Exception) -> bool:
    """Whether the place is to blame: it is full, read-only, not ours, or cannot lock files."""
    return getattr(error, "errno", None) in REFUSALS or "No space left" in str(error)


def make(folder: Path) -> bool:
    """Whether the folder is there and nobody else's, made if need be."""
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return private(folder) and private(folder.parent)
    return False


def private(folder: Path) -> bool:
    """Whether the folder is there, and only its owner, who is this user, may write to it."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    mine = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    return stat.S_ISDIR(found.st_mode) and mine and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
