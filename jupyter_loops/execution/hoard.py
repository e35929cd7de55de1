"""What a candidate keeps outside of its own memory: files in its folders, and memory in files that have no name."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from errno import ENAMETOOLONG
from itertools import islice
from pathlib import Path

from jupyter_loops.core.candidate import Exit, Limits

_IN_MEMORY = ("/memfd:", "/dev/shm/")  # noqa: S108 - compared
_TOO_MUCH = 1 << 62
_UNIT = 512  # bytes of a block, whatever the file system says


class Hoard:
    """Looks at the disk and the shared memory of the machine, which costs little, and closer when they shrink."""

    def __init__(self, folders: Iterable[Path], limits: Limits) -> None:
        self._folders, self._limits = tuple(folders), limits
        self._beside = str(self._folders[0].parent)  # whose loose files are the candidate's too
        self._disk, self._shared = _disk(self._folders[0]), _shared_memory()

    def look(self, pids: Iterable[int]) -> Exit | None:
        """The limit that these processes have reached, if any."""
        limits, pids = self._limits, [*pids]
        files, room = (before - now for before, now in zip(self._disk, _disk(self._folders[0]), strict=True))
        if (files > limits.files or room > limits.disk_bytes) and self._is_full(_nameless(pids)[1]):
            return Exit.OUTPUT
        most = limits.memory_bytes
        if most is not None and _shared_memory() - self._shared > most and _nameless(pids)[0] > most:
            return Exit.MEMORY
        return None

    def _is_full(self, size: int) -> bool:
        """Whether the candidate's own files are too many, or with `size` more bytes too large.

        No longer a look than it takes to know.
        """
        files, waiting = 0, [*map(str, self._folders), self._beside]
        while waiting and files <= self._limits.files and size <= self._limits.disk_bytes:
            try:
                with os.scandir(folder := waiting.pop()) as entries:
                    for entry in islice(entries, self._limits.files + 1):
                        state = entry.stat(follow_symlinks=False)
                        is_folder = stat.S_ISDIR(state.st_mode)
                        if is_folder and folder == self._beside:  # of another candidate, or one of these
                            continue
                        files, size = files + 1, size + state.st_blocks * _UNIT
                        waiting += [entry.path] * is_folder
            except OSError as error:
                if error.errno == ENAMETOOLONG:  # so deep does nobody build who means well
                    return True
        return bool(waiting) or files > self._limits.files or size > self._limits.disk_bytes


def _disk(folder: Path) -> tuple[int, int]:
    """Files and bytes that there is room for."""
    if not hasattr(os, "statvfs"):
        return 0, 0
    state = os.statvfs(folder)
    return state.f_ffree, state.f_bavail * state.f_frsize


def _shared_memory() -> int:
    """Bytes that the machine keeps in files in memory; 0 where it does not say."""
    with suppress(OSError), open("/proc/meminfo", "rb") as lines:  # noqa: PTH123 - read many times a second
        for line in lines:
            if line.startswith(b"Shmem:"):
                return int(line.split()[1]) * 1024
    return 0


def _nameless(pids: Iterable[int]) -> tuple[int, int]:
    """Bytes of the files without a name that the processes have open: in memory, on disk.

    Of what may not be looked into, too much.
    """
    memory: dict[tuple[int, int], int] = {}
    disk: dict[tuple[int, int], int] = {}
    for pid in pids:
        try:
            for name in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208 - read many times a second
                path = f"/proc/{pid}/fd/{name}"
                with suppress(FileNotFoundError):
                    end = os.readlink(path)  # noqa: PTH115 - same
                    if end.endswith(" (deleted)"):
                        state = os.stat(path)  # noqa: PTH116 - same
                        kind = memory if end.startswith(_IN_MEMORY) else disk
                        kind[state.st_dev, state.st_ino] = state.st_blocks * _UNIT
        except FileNotFoundError:
            continue  # it has ended
        except OSError:
            return _TOO_MUCH, _TOO_MUCH
    return sum(memory.values()), sum(disk.values())
