"""Measures what a candidate stores outside of its memory: files in its folders, and unnamed files in memory."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from jupyter_loops.core.candidate import Exit, Limits

_IN_MEMORY = ("/memfd:", "/dev/shm/")  # noqa: S108 - compared
_NO_DISK = (*_IN_MEMORY, "/dev/zero ", "/SYSV")  # mappings with these names count as memory of the process
_DELETED = " (deleted)"
_SOCKET = 2 * 212_992  # bytes that one socket buffers at most, by default
_CLOSER = 25  # calls for each exact one even if the disk has not shrunk: others may free space meanwhile
_TOO_MUCH = 1 << 62
_SMALL = 32 * 1024**2  # bytes that a candidate may write on any disk
_UNIT = 512  # bytes of a block of st_blocks on any file system


class StorageUsage:
    """Measures the free disk and the shared memory of the machine, which is cheap, and files only if these change."""

    def __init__(self, folders: Iterable[Path], limits: Limits) -> None:
        self._folders, self._limits, self._looks = tuple(folders), limits, 0
        self._parent = str(self._folders[0].parent)  # files directly in it count as the candidate's
        self._disk, self._shared = _disk(self._folders[0]), _shared_memory()
        self._most = min(limits.disk_bytes, max(self._disk[1] // 2, _SMALL))  # others need the rest

    def look(self, pids: Iterable[int]) -> Exit | None:
        """The limit that these processes have reached, if any."""
        limits, pids = self._limits, [*pids]
        self._looks += 1
        closer = not self._looks % _CLOSER
        files, room = (before - now for before, now in zip(self._disk, _disk(self._folders[0]), strict=True))
        if (closer or files > limits.files or room > self._most) and self._is_full(_unnamed_sizes(pids)[1]):
            return Exit.OUTPUT
        most = limits.memory_bytes
        if most is None:
            return None
        grown = _shared_memory() - self._shared > most or len(pids) * limits.open_files * _SOCKET > most
        return Exit.MEMORY if grown and _unnamed_sizes(pids)[0] > most else None

    def _is_full(self, size: int) -> bool:
        """Whether the candidate's files are too many, or with `size` more bytes too large.

        It stops counting as soon as the answer is known.
        """
        files, waiting = 0, [*map(str, self._folders), self._parent]
        while waiting and files <= self._limits.files and size <= self._most:
            try:
                with os.scandir(folder := waiting.pop()) as entries:
                    for entry in islice(entries, self._limits.files + 1):
                        state = entry.stat(follow_symlinks=False)
                        is_folder = stat.S_ISDIR(state.st_mode)
                        if is_folder and folder == self._parent:  # of another candidate, or in the list already
                            continue
                        files, size = files + 1, size + state.st_blocks * _UNIT
                        waiting += [entry.path] * is_folder
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError:  # too deep, or not readable: no well-meaning program builds such folders
                return True
        return bool(waiting) or files > self._limits.files or size > self._most


def _disk(folder: Path) -> tuple[int, int]:
    """Free files and bytes."""
    if not hasattr(os, "statvfs"):
        return 0, 0
    state = os.statvfs(folder)
    return state.f_ffree, state.f_bavail * state.f_frsize


def _shared_memory() -> int:
    """Bytes of all files in memory; 0 if the system does not report them."""
    with suppress(OSError), open("/proc/meminfo", "rb") as lines:  # noqa: PTH123 - read many times a second
        for line in lines:
            if line.startswith(b"Shmem:"):
                return int(line.split()[1]) * 1024
    return 0


def _unnamed_sizes(pids: Iterable[int]) -> tuple[int, int]:
    """Bytes of unnamed files that the processes have open or mapped: in memory, and on disk.

    The buffers of sockets count as memory. For a process that may not be inspected, the result is too large.
    """
    memory: dict[object, int] = {}
    disk: dict[object, int] = {}
    for pid in pids:
        try:
            for file, name, size in (*_opened(pid), *_mapped(pid)):
                kind = memory if name.startswith((*_IN_MEMORY, "socket:")) else disk
                kind[file] = max(size, kind.get(file, 0))
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended
        except OSError:
            return _TOO_MUCH, _TOO_MUCH
    return sum(memory.values()), sum(disk.values())


def _opened(pid: int) -> Iterator[tuple[object, str, int]]:
    """Sockets and unnamed files that a process has open: identity, former path, size."""
    for name in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208 - read many times a second
        path = f"/proc/{pid}/fd/{name}"
        with suppress(FileNotFoundError):
            end = os.readlink(path)  # noqa: PTH115 - same
            if end.startswith("socket:"):
                yield end, end, _SOCKET
            elif end.endswith(_DELETED):
                state = os.stat(path)  # noqa: PTH116 - same
                yield state.st_ino, end, state.st_blocks * _UNIT


def _mapped(pid: int) -> Iterator[tuple[object, str, int]]:
    """Unnamed files that are mapped into a process, open or not."""
    sizes: dict[tuple[int, str], int] = {}
    with open(f"/proc/{pid}/maps", "rb") as lines:  # noqa: PTH123 - same
        for line in lines:
            if line.rstrip().endswith(_DELETED.encode()):
                addresses, _, _, _, inode, name = line.decode(errors="replace").split(maxsplit=5)
                start, end = (int(address, 16) for address in addresses.split("-"))
                if not name.startswith(_NO_DISK):
                    sizes[int(inode), name] = sizes.get((int(inode), name), 0) + end - start
    for (file, place), size in sizes.items():
        yield file, place, size
