"""The folders that a sandbox lends to its candidates, and what it takes away after them."""

from __future__ import annotations

import shutil
import stat
import tempfile
from itertools import count
from pathlib import Path

from .isolation import FONTS

_PRIVATE = 0o700
_SHARED = ("tmp", "shm", FONTS)  # two are bound over /tmp and /dev/shm; emptied after every candidate
_FONTS = 4 * 1024**2  # bytes of a list of fonts


class Scratch:
    """One folder for a run, with one in it for each candidate under way."""

    def __init__(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="jupyter-loops-"))
        for name in _SHARED:
            (self.root / name).mkdir()
        for fonts in (Path.home() / ".cache" / "matplotlib").glob("fontlist-*.json"):
            if fonts.stat().st_size < _FONTS:
                shutil.copy(fonts, self.root / FONTS)
        self._numbers = count(1)
        self._free: list[Path] = []
        self._lent = 0
        self._kept: frozenset[Path] = frozenset()

    def keep(self) -> None:
        """What lies in the shared folders now is the set-up's, and stays."""
        self._kept = frozenset(path for name in _SHARED for path in (self.root / name).iterdir())

    def lend(self) -> Path:
        """An empty folder for one candidate."""
        self._lent += 1
        if self._free:
            return self._free.pop()
        folder = self.root / str(next(self._numbers))
        folder.mkdir(mode=_PRIVATE)
        return folder

    def take_back(self, folder: Path) -> None:
        """Remove what one candidate wrote; the shared folders too, once nobody else uses them."""
        self._lent -= 1
        if _is_untouched(folder):
            self._free.append(folder)  # to make and remove one takes as long as to run a small candidate
        else:
            _remove(folder)
        if not self._lent and self.root.exists():
            for name in _SHARED:
                for left in set((self.root / name).iterdir()) - self._kept:
                    _remove(left)

    def close(self) -> None:
        """Remove everything. Idempotent."""
        shutil.rmtree(self.root, ignore_errors=True)


def _is_untouched(folder: Path) -> bool:
    try:
        return not any(folder.iterdir()) and stat.S_IMODE(folder.lstat().st_mode) == _PRIVATE
    except OSError:
        return False


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
