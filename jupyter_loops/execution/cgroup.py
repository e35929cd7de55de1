"""Control groups (version 2), where this user may make some: the system itself holds a candidate, whatever it starts.

A group for each candidate, in one for the run, beside the kernel's own group or below it: where controllers for memory
and processes are handed on to whatever is there, and we may write. That is so for root, and in a session of systemd's.
Nothing is moved but candidates, and no setting of a group that is not ours is touched.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

from jupyter_loops.core.candidate import Limits

from . import tree
from .machine_limits import CGROUPS, own_path

NOTE = "memory and processes of a candidate are held by the system (cgroup v2)"
_WANTED = {"memory", "pids"}
_NAME = "jupyter-loops-"
_SLACK = 64 * 1024**2  # bytes; so that Python's own MemoryError, which tells more, comes first
_SPARE = 64  # threads and processes; so that the watch, which tells more, sees a bomb before it is held


class Group:
    """That of one candidate."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError."""
        self.folder = folder
        folder.mkdir()

    def hold(self, limits: Limits) -> None:
        """Bound what is in it. Raises OSError."""
        self._set("pids.max", 2 * limits.processes + _SPARE)
        if limits.memory_bytes is not None:
            self._set("memory.max", limits.memory_bytes + _SLACK)
            for name, value in (("memory.swap.max", 0), ("memory.oom.group", 1)):
                with suppress(OSError):  # of kernels that have them
                    self._set(name, value)

    def take(self, pid: int) -> None:
        """Move a process here; what it starts from now on is born here. Raises OSError."""
        self._set("cgroup.procs", pid)

    def kill(self) -> None:
        """Kill all that is in it, in one step."""
        with suppress(OSError):  # before Linux 5.14
            self._set("cgroup.kill", 1)

    @property
    def ran_out(self) -> bool:
        """Whether the system has killed something in it, for want of memory."""
        with suppress(OSError):
            events = (self.folder / "memory.events").read_text().split()
            return any(int(times) for name, times in zip(events[::2], events[1::2], strict=False) if "kill" in name)
        return False

    def close(self) -> None:
        """Remove it, once everything in it is dead."""
        with suppress(OSError):
            self.folder.rmdir()

    def _set(self, name: str, value: int) -> None:
        (self.folder / name).write_text(str(value))


class Groups:
    """Those of one run."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError."""
        self._folder, self._numbers = folder, count(1)
        folder.mkdir()
        (folder / "cgroup.subtree_control").write_text(" ".join(f"+{each}" for each in sorted(_WANTED)))

    def new(self, pid: int, limits: Limits) -> Group:
        """A group that holds the process to the limits. Raises OSError."""
        group = Group(self._folder / str(next(self._numbers)))
        try:
            group.hold(limits)
            group.take(pid)
        except OSError:
            group.close()
            raise
        return group

    def close(self) -> None:
        """Remove them all."""
        _remove(self._folder)


def find(root: Path = CGROUPS) -> Groups | None:
    """Groups for a run; None where the system has none, or none for us."""
    for parent in _parents(root):
        for left in parent.glob(f"{_NAME}*"):
            owner = left.name.removeprefix(_NAME).partition("-")[0]
            if owner.isdigit() and not tree.alive(int(owner)):  # a kernel that was killed could not clean up
                _remove(left)
        folder = parent / f"{_NAME}{os.getpid()}-{secrets.token_hex(4)}"
        try:
            return Groups(folder)
        except OSError:
            _remove(folder)
    return None


def _parents(root: Path) -> Iterator[Path]:
    """Where groups have the controllers that we need, the most likely first."""
    own = root / own_path()
    for folder in (own.parent, own):
        with suppress(OSError):
            if (
                folder.is_relative_to(root)
                and set(folder.joinpath("cgroup.subtree_control").read_text().split()) >= _WANTED
            ):
                yield folder


def _remove(folder: Path) -> None:
    with suppress(OSError):
        for each in folder.iterdir():
            if each.is_dir():
                each.rmdir()
        folder.rmdir()
