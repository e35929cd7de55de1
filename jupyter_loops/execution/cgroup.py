"""Control groups (version 2), if this user may create some. The system then limits a candidate and all it starts.

Each candidate has a group inside the group of the run. The group of the run is next to the notebook kernel's group or
below it: wherever the controllers for memory and processes are enabled and writable. That is the case for root, and in
a systemd session. Only candidates are moved, and settings of other groups stay unchanged.
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
from .machine_limits import CGROUPS, cgroup_path

NOTE = "the system limits memory and processes of a candidate (cgroup v2)"
_CONTROLLERS = {"memory", "pids"}
_NAME = "jupyter-loops-"
_SLACK = 64 * 1024**2  # bytes; so that Python's MemoryError, which explains more, comes first
_EXTRA_PROCESSES = 64  # threads and processes; so that the watch, which explains more, reacts to a fork bomb first


class Group:
    """The group of one candidate."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError."""
        self.folder = folder
        folder.mkdir()

    def limit(self, limits: Limits) -> None:
        """Set its limits. Raises OSError."""
        self._set("pids.max", 2 * limits.processes + _EXTRA_PROCESSES)
        if limits.memory_bytes is not None:
            self._set("memory.max", limits.memory_bytes + _SLACK)
            for name, value in (("memory.swap.max", 0), ("memory.oom.group", 1)):
                with suppress(OSError):  # Linux versions without these settings
                    self._set(name, value)

    def add(self, pid: int) -> None:
        """Move a process into the group, and with it all that it starts from now on. Raises OSError."""
        self._set("cgroup.procs", pid)

    def kill(self) -> None:
        """Kill all its processes in one step."""
        with suppress(OSError):  # before Linux 5.14
            self._set("cgroup.kill", 1)

    @property
    def ran_out(self) -> bool:
        """Whether the system killed a process in it because memory ran out."""
        with suppress(OSError):
            events = (self.folder / "memory.events").read_text().split()
            return any(int(times) for name, times in zip(events[::2], events[1::2], strict=False) if "kill" in name)
        return False

    def close(self) -> None:
        """Remove it, once all its processes are dead."""
        with suppress(OSError):
            self.folder.rmdir()

    def _set(self, name: str, value: int) -> None:
        (self.folder / name).write_text(str(value))


class Groups:
    """The groups of one run."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError."""
        self._folder, self._numbers = folder, count(1)
        folder.mkdir()
        enabled = " ".join(f"+{controller}" for controller in sorted(_CONTROLLERS))
        (folder / "cgroup.subtree_control").write_text(enabled)

    def new(self, pid: int, limits: Limits) -> Group:
        """A new group that limits the process. Raises OSError."""
        group = Group(self._folder / str(next(self._numbers)))
        try:
            group.limit(limits)
            group.add(pid)
        except OSError:
            group.close()
            raise
        return group

    def close(self) -> None:
        """Remove them all."""
        _remove(self._folder)


def find(root: Path = CGROUPS) -> Groups | None:
    """Groups for a run; None if the system has none that this user may create."""
    for parent in _parents(root):
        for leftover in parent.glob(f"{_NAME}*"):
            owner = leftover.name.removeprefix(_NAME).partition("-")[0]
            if owner.isdigit() and not tree.alive(int(owner)):  # a kernel that was killed could not clean up
                _remove(leftover)
        folder = parent / f"{_NAME}{os.getpid()}-{secrets.token_hex(4)}"
        try:
            return Groups(folder)
        except OSError:
            _remove(folder)
    return None


def _parents(root: Path) -> Iterator[Path]:
    """Parent groups that have the required controllers, the most likely first."""
    current = root / cgroup_path()
    for folder in (current.parent, current):
        with suppress(OSError):
            if (
                folder.is_relative_to(root)
                and set(folder.joinpath("cgroup.subtree_control").read_text().split()) >= _CONTROLLERS
            ):
                yield folder


def _remove(folder: Path) -> None:
    with suppress(OSError):
        for child in folder.iterdir():
            if child.is_dir():
                child.rmdir()
        folder.rmdir()
