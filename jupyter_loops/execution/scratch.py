"""The folders that a sandbox lends to its candidates, and what it takes away after them."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from contextlib import suppress
from itertools import count
from pathlib import Path

from .isolation import FONTS, SHARED
from .removal import remove

_PRIVATE = 0o700
_LASTING = "/var/tmp"  # noqa: S108 - with mkdtemp
_SHARED = (*SHARED, FONTS)  # emptied after every candidate
_FONTS = 4 * 1024**2  # bytes of a list of fonts


class Scratch:
    """One folder for a run, with one in it for each candidate under way."""

    def __init__(self, *, whole: bool = True) -> None:
        """With `whole`, also what lies beside the candidates' folders is theirs, and taken away after them."""
        self._base = Path(tempfile.mkdtemp(prefix="jupyter-loops-", dir=_outside_tmp()))
        self.root, self._waste = self._base / "run", self._base / "waste"  # of which candidates see the first
        self.root.mkdir()
        self._waste.mkdir()
        self._common = [str(self.root / name) for name in (("", *_SHARED) if whole else _SHARED)]
        for name in _SHARED:
            (self.root / name).mkdir()
        for fonts in (Path.home() / ".cache" / "matplotlib").glob("fontlist-*.json"):
            if fonts.stat().st_size < _FONTS:
                shutil.copy(fonts, self.root / FONTS)
        self._numbers = count(1)
        self._free: list[Path] = []
        self._lent = 0
        self._kept: frozenset[str] = frozenset()
        self.has_waste = False  # something waits to be removed

    def keep(self) -> None:
        """What lies in the folder and in those that are shared is the set-up's and ours now, and stays."""
        self._kept = frozenset(self._shared())

    def lend(self) -> Path:
        """An empty folder for one candidate."""
        self._lent += 1
        while self._free:
            folder = self._free.pop()
            if _is_untouched(folder):  # another candidate may have found the way to it
                return folder
            self._put_aside(folder)
        folder = self.root / str(next(self._numbers))
        folder.mkdir(mode=_PRIVATE)
        return folder

    def take_back(self, folder: Path) -> None:
        """Put aside what one candidate wrote; what is in shared folders too, once nobody else uses them."""
        self._lent -= 1
        if _is_untouched(folder):
            self._free.append(folder)  # to make and remove one takes as long as to run a small candidate
        else:
            self._put_aside(folder)
        if not self._lent:
            for left in self._shared() - self._kept - {str(free) for free in self._free}:
                self._put_aside(Path(left))

    def clear(self) -> None:
        """Remove what was put aside, which may take long. From any thread."""
        self.has_waste = False
        for name in os.listdir(self._waste) if self._waste.exists() else ():  # noqa: PTH208 - whole, before it shrinks
            remove(self._waste / name)

    def close(self) -> None:
        """Remove everything. Idempotent."""
        remove(self._base)

    def _put_aside(self, left: Path) -> None:
        """At once, so that the next candidate does not see it."""
        self.has_waste = True
        try:
            left.rename(self._waste / str(next(self._numbers)))
        except OSError:  # not to be moved, as a folder that nobody may write to
            remove(left)

    def _shared(self) -> set[str]:
        """What candidates may see of each other: the folder of the run itself among it."""
        found: set[str] = set()
        for folder in self._common:
            with suppress(OSError):
                if not os.path.islink(folder):  # noqa: PTH114 - asked after each candidate
                    with os.scandir(folder) as entries:
                        found.update(entry.path for entry in entries)
        return found


def _outside_tmp() -> str | None:
    """Candidates get a /tmp of their own: below it, Landlock would see all that is theirs as one."""
    usual = tempfile.gettempdir() == "/tmp"  # noqa: S108 - compared
    return _LASTING if usual and os.access(_LASTING, os.W_OK | os.X_OK) else None


def _is_untouched(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is None and stat.S_IMODE(os.lstat(folder).st_mode) == _PRIVATE
    except OSError:
        return False
