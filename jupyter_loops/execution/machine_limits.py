"""What this machine has to give: cores and memory, those of the container that we may be in taken into account."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

CGROUPS = Path("/sys/fs/cgroup")


def cores(root: Path = CGROUPS) -> int:
    """How many processes can really run at once; at least one."""
    try:
        ours = len(os.sched_getaffinity(0))
    except (AttributeError, OSError):
        ours = os.cpu_count() or 1
    quotas = [quota for folder in _folders(root, "cpu") if (quota := _quota(folder)) is not None]
    return max(1, min([ours, *map(math.ceil, quotas)]))


def free_memory(root: Path = CGROUPS) -> int:
    """Bytes that may be used before the machine, or our container, runs out."""
    rooms = [room for folder in _folders(root, "memory") if (room := _room(folder)) is not None]
    return max(0, min([psutil.virtual_memory().available, *rooms]))


def own_path() -> str:
    """Where in the tree of cgroup v2 this process is; empty where there is none."""
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            if line.startswith("0::"):
                return line.removeprefix("0::").strip("/")
    return ""


def _folders(root: Path, controller: str) -> Iterator[Path]:
    """The groups that hold us: a limit of any of them counts. A container sees its own as the root."""
    own = root / own_path()
    yield from (own, *(parent for parent in own.parents if parent.is_relative_to(root)))
    yield root / controller  # version 1


def _quota(folder: Path) -> float | None:
    most, _, period = _words(folder / "cpu.max").partition(" ")
    most, period = most or _words(folder / "cpu.cfs_quota_us"), period or _words(folder / "cpu.cfs_period_us")
    return int(most) / int(period) if most.isdigit() and period.isdigit() and int(period) else None


def _room(folder: Path) -> int | None:
    """Bytes between a group's limit and what it uses, the pages of files that can be read again left out."""
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
