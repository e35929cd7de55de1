"""The cores and the memory of this machine, within the limits of a container that the kernel may run in."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

CGROUPS = Path("/sys/fs/cgroup")


def cores(root: Path = CGROUPS) -> int:
    """How many processes can run at once; at least one."""
    try:
        available = len(os.sched_getaffinity(0))
    except (AttributeError, OSError):
        available = os.cpu_count() or 1
    quotas = [quota for folder in _folders(root, "cpu") if (quota := _quota(folder)) is not None]
    return max(1, min([available, *map(math.ceil, quotas)]))


def free_memory(root: Path = CGROUPS) -> int:
    """Bytes that are free on the machine, or within the container's limit."""
    rooms = [room for folder in _folders(root, "memory") if (room := _room(folder)) is not None]
    return max(0, min([psutil.virtual_memory().available, *rooms]))


def cgroup_path() -> str:
    """The path of this process in the tree of cgroup v2; empty without cgroup v2."""
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            if line.startswith("0::"):
                return line.removeprefix("0::").strip("/")
    return ""


def _folders(root: Path, controller: str) -> Iterator[Path]:
    """The groups of this process: the limit of each counts. A container sees its own group as the root."""
    current = root / cgroup_path()
    yield from (current, *(parent for parent in current.parents if parent.is_relative_to(root)))
    yield root / controller  # version 1


def _quota(folder: Path) -> float | None:
    most, _, period = _words(folder / "cpu.max").partition(" ")
    most, period = most or _words(folder / "cpu.cfs_quota_us"), period or _words(folder / "cpu.cfs_period_us")
    return int(most) / int(period) if most.isdigit() and period.isdigit() and int(period) else None


def _room(folder: Path) -> int | None:
    """Bytes between a group's limit and its use, without pages of files that can be read again."""
    most = _words(folder / "memory.max") or _words(folder / "memory.limit_in_bytes")
    used = _words(folder / "memory.current") or _words(folder / "memory.usage_in_bytes")
    if not most.isdigit() or not used.isdigit():
        return None
    stat = dict(line.split()[:2] for line in _words(folder / "memory.stat").splitlines() if " " in line)
    pages = stat.get("total_inactive_file", stat.get("inactive_file", "0"))
    return int(most) - int(used) + int(pages)


def _words(path: Path) -> str:
    with suppress(OSError):
        return path.read_text().strip()
    return ""
