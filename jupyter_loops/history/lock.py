"""A lock that the operating system gives back when its holder dies."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import sys
import time
import weakref
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    FAR = 1 << 62  # a byte no file reaches, so that readers of the content are not blocked

    def _take(fd: int) -> None:
        os.lseek(fd, FAR, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        os.lseek(fd, 0, os.SEEK_SET)
else:
    import fcntl

    def _take(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


UNABLE = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})  # some network file systems


class FileLock:
    """Exclusive ownership of one file among processes; closing it, or dying, gives it back."""

    def __init__(self, fd: int, path: Path) -> None:
        self.fd, self.path = fd, path
        LOCKS.add(self)

    @classmethod
    def take(cls, path: Path, *, create: bool = False) -> FileLock | None:
        """Lock the file, or None when someone holds it or it is gone. With `create` it must be new."""
        flags = os.O_RDWR | (os.O_CREAT | os.O_EXCL if create else 0) | getattr(os, "O_BINARY", 0)
        try:
            fd = os.open(path, flags, 0o600)
        except (FileNotFoundError, FileExistsError):
            return None
        return cls._locked(fd, path)

    @classmethod
    def is_locked(cls, path: Path) -> bool:
        """Whether somebody has the file locked; it may be this process."""
        lock = cls.take(path)
        if lock is not None:
            lock.close()
        return lock is None and path.exists()

    @classmethod
    def wait(cls, path: Path, seconds: float) -> FileLock | None:
        """Lock a file that is there for locking only; None when it could not be had in time."""
        deadline = time.monotonic() + seconds
        while True:
            fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            lock = cls._locked(fd, path)
            if lock is not None or time.monotonic() >= deadline:
                return lock
            time.sleep(random.uniform(0.0005, 0.004))  # noqa: S311 - jitter, not a secret

    @classmethod
    def _locked(cls, fd: int, path: Path) -> FileLock | None:
        try:
            _take(fd)
            if os.path.samestat(path.stat(), os.fstat(fd)):  # otherwise its last owner has just removed it
                return cls(fd, path)
        except OSError as error:
            if error.errno in UNABLE:
                os.close(fd)
                raise
        os.close(fd)
        return None

    def close(self) -> None:
        """Give the lock back; the file stays."""
        LOCKS.discard(self)
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def remove(self) -> None:
        """Delete the file while nobody else can own it, and give the lock back."""
        if sys.platform == "win32":  # an open file cannot be deleted there
            self.close()
            self.path.unlink(missing_ok=True)
        else:
            self.path.unlink(missing_ok=True)
            self.close()


LOCKS: weakref.WeakSet[FileLock] = weakref.WeakSet()


def _forget() -> None:
    """In a forked child: close its copies, or the locks would live as long as it does."""
    for lock in list(LOCKS):
        with contextlib.suppress(OSError):
            lock.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def try_lock(path: Path) -> None:
    """Raises OSError where the file system locks nothing; who has the lock does not matter."""
    lock = FileLock.wait(path, 0.0)
    if lock is not None:
        lock.close()
