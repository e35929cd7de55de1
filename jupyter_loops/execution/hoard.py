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

_UNIT = 512  # bytes of a block, whatever the file system says


class Hoard:
    """Looks at the disk and the shared memory of the machine, which costs little, and closer when they shrink."""

    def __init__(self, folders: Iterable[Path], limits: Limits) -> None:
        self._folders, self._limits = tuple(folders), limits
        self._disk, self._shared = _disk(self._folders[0]), _shared_memory()

    def look(self, pids: Iterable[int]) -> Exit | None:
        """The limit that these processes have reached, if any."""
        limits = self._limits
        files, room = (before - now for before, now in zip(self._disk, _disk(self._folders[0]), strict=True))
        if (files > limits.files or room > limits.disk_bytes) and self._is_full():
            return Exit.OUTPUT
        most = limits.memory_bytes
        if most is not None and _shared_memory() - self._shared > most and _nameless(pids) > most:
            return Exit.MEMORY
        return None

    def _is_full(self) -> bool:
        """Whether the candidate's own files are too many, or too large; no longer a look than it takes to know."""
        files, size, waiting = 0, 0, list(map(str, self._folders))
        while waiting and files <= self._limits.files and size <= self._limits.disk_bytes:
            try:
                with os.scandir(waiting.pop()) as entries:
                    for entry in islice(entries, self._limits.files + 1):
                        state = entry.stat(follow_symlinks=False)
                        files, size = files + 1, size + state.st_blocks * _UNIT
                        if stat.S_ISDIR(state.st_mode):
                            waiting.append(entry.path)
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


def _nameless(pids: Iterable[int]) -> int:
    """Bytes of the files without a name that the processes have open; of what may not be looked into, too much."""
    sizes: dict[int, int] = {}
    for pid in pids:
        try:
            for name in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208 - read many times a second
                path = f"/proc/{pid}/fd/{name}"
                with suppress(FileNotFoundError):
                    if os.readlink(path).startswith("/memfd:"):  # noqa: PTH115 - same
                        state = os.stat(path)  # noqa: PTH116 - same
                        sizes[state.st_ino] = state.st_blocks * _UNIT
        except FileNotFoundError:
            continue  # it has ended
        except OSError:
            return 1 << 62
    return sum(sizes.values())
