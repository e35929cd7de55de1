"""The folders that a sandbox lends to its candidates, and their removal."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import tempfile
import time
from contextlib import suppress
from itertools import count
from pathlib import Path

from .isolation import FONTS, SHARED
from .removal import remove

_PRIVATE, _COMMON = 0o700, 0o755  # modes of a candidate's folder, and of those that candidates share
_PLACE = getattr(os, "O_PATH", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_DIRECTORY", 0)
_ATTRIBUTES = ("user.", "system.posix_acl_")  # extended ones that a file's owner can set
_LASTING = "/var/tmp"  # noqa: S108 - with mkdtemp
_DEVICES = tuple(f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom", "tty"))
_SHARED = (*SHARED, FONTS)  # emptied after every candidate
_FONTS = 4 * 1024**2  # bytes of a font list


class Scratch:
    """One folder for each run, with a folder in it for each running candidate."""

    def __init__(self, *, clear_root: bool = True) -> None:
        """With `clear_root`, what candidates leave beside their own folders is removed as well."""
        self._base = Path(tempfile.mkdtemp(prefix="jupyter-loops-", dir=_outside_tmp()))
        # Candidates see the first, and could ask for the other by its name.
        self.root, self._waste = self._base / "run", self._base / secrets.token_hex(8)
        self.root.mkdir()
        self._waste.mkdir()
        self._common = [str(self.root / name) for name in (("", *_SHARED) if clear_root else _SHARED)]
        for name in _SHARED:
            (self.root / name).mkdir()
        for fonts in (Path.home() / ".cache" / "matplotlib").glob("fontlist-*.json"):
            if fonts.stat().st_size < _FONTS:
                shutil.copy(fonts, self.root / FONTS)
        self._numbers = count(1)
        self._moment = time.time_ns()  # the time of every folder that is lent or shared
        self._devices = {path: os.stat(path) for path in _DEVICES if os.path.exists(path)}  # noqa: PTH110, PTH116
        self._free: list[Path] = []
        self._in_use = 0
        self._retained: frozenset[str] = frozenset()
        self.has_waste = False  # the waste folder is not empty

    def retain(self) -> None:
        """What lies in the folder and in those that are shared is the set-up's and ours now, and stays."""
        self._retained = frozenset(self._shared())
        self._put_back()

    def acquire(self) -> Path:
        """An empty folder for one candidate."""
        self._in_use += 1
        folder = self._unused() or self._new()
        _restore(folder, _PRIVATE, self._moment)
        self._put_back()
        return folder

    def release(self, folder: Path) -> None:
        """Discard what one candidate wrote, and the content of shared folders once no candidate uses them."""
        self._in_use -= 1
        if _is_untouched(folder):
            self._free.append(folder)  # to create and remove a folder takes as long as a small candidate
        else:
            self._move_to_waste(folder)
        self._put_back()  # nor could a folder without rights be listed
        if not self._in_use:
            for path in self._shared() - self._retained - {str(free) for free in self._free}:
                self._move_to_waste(Path(path))
            self._put_back()

    def clear(self) -> None:
        """Remove the waste, which may take long. Safe on any thread."""
        self.has_waste = False
        for name in os.listdir(self._waste) if self._waste.exists() else ():  # noqa: PTH208 - the full list, before it shrinks
            remove(self._waste / name)

    def close(self) -> None:
        """Remove everything. Idempotent."""
        remove(self._base)

    def _unused(self) -> Path | None:
        """A folder that was given back as it was lent."""
        while self._free:
            folder = self._free.pop()
            if _is_untouched(folder):  # another candidate may have found the way to it
                return folder
            self._move_to_waste(folder)
        return None

    def _new(self) -> Path:
        folder = self.root / str(next(self._numbers))
        folder.mkdir(mode=_PRIVATE)
        return folder

    def _put_back(self) -> None:
        """Give what candidates share its mode, its times and no attributes: a note is in none of it."""
        for folder in {str(self.root), *self._common}:
            _restore(folder, _COMMON, self._moment)
        for path, state in self._devices.items():
            _restore_device(path, state)

    def _move_to_waste(self, path: Path) -> None:
        """At once, so that the next candidate does not see it."""
        self.has_waste = True
        try:
            path.rename(self._waste / secrets.token_hex(8))  # a count would tell the next one how much was left
        except OSError:  # not to be moved, as a folder that nobody may write to
            remove(path)

    def _shared(self) -> set[str]:
        """The paths that candidates share, also those in the folder of the run."""
        paths: set[str] = set()
        for folder in self._common:
            with suppress(OSError):
                if not os.path.islink(folder):  # noqa: PTH114 - called after each candidate
                    with os.scandir(folder) as entries:
                        paths.update(entry.path for entry in entries)
        return paths


def _outside_tmp() -> str | None:
    """A parent outside /tmp, or None for the default: a Landlock rule for /tmp would cover a scratch folder in it."""
    usual = tempfile.gettempdir() == "/tmp"  # noqa: S108 - compared
    return _LASTING if usual and os.access(_LASTING, os.W_OK | os.X_OK) else None


def _restore(folder: str | Path, mode: int, moment: int) -> None:
    """Undo what a candidate can do to a folder as its owner; by descriptor, since a link may have taken its place."""
    if not _PLACE:
        return
    with suppress(OSError):
        place = os.open(folder, _PLACE)
        try:
            path = f"/proc/self/fd/{place}"
            os.chmod(path, mode)  # noqa: PTH101
            os.utime(path, ns=(moment, moment))
            for name in os.listxattr(path):
                if name.startswith(_ATTRIBUTES):
                    os.removexattr(path, name)
        finally:
            os.close(place)


def _restore_device(path: str, state: os.stat_result) -> None:
    """Undo what a candidate of root can do to a device: inside bubblewrap, too, it is the machine's own."""
    with suppress(OSError):  # of anybody but root; then candidates cannot set them either
        now = os.stat(path)  # noqa: PTH116
        if now.st_mode != state.st_mode:
            os.chmod(path, stat.S_IMODE(state.st_mode))  # noqa: PTH101
        if (now.st_mtime_ns, now.st_atime_ns) != (state.st_mtime_ns, state.st_atime_ns):
            os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def _is_untouched(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is None and stat.S_IMODE(os.lstat(folder).st_mode) == _PRIVATE
    except OSError:
        return False
