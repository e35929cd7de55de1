"""Resource limits that a process sets for itself before it runs foreign code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

_signal: Any = sys.modules["_signal"]  # without the enums of `signal`: a fork would copy their pages
Bound = tuple[int, tuple[int, int]]  # the number of a limit, and how much of it: soft, hard
_SUBREAPER, _DEATH_SIGNAL, _DUMPABLE = 36, 1, 4  # prctl options, linux/prctl.h


def adopt_orphans(*, die_with_parent: bool) -> None:
    """Become the parent of every orphaned descendant, so that none can hide by daemonising. Linux only."""
    if not sys.platform.startswith("linux"):
        return
    prctl = _prctl()
    prctl(_SUBREAPER, 1, 0, 0, 0)
    if die_with_parent:
        prctl(_DEATH_SIGNAL, _signal.SIGKILL, 0, 0, 0)


def close_memory(*, closed: bool) -> None:
    """Keep other processes of the same user from reading and writing this one's memory. Linux only; root still may."""
    if sys.platform.startswith("linux"):
        _prctl()(_DUMPABLE, not closed, 0, 0, 0)


@cache
def _prctl() -> Callable[..., int]:
    """Loaded once, in the zygote, for all its forks."""
    import ctypes

    function: Callable[..., int] = ctypes.CDLL(None).prctl
    return function


def bounds(limits: dict[str, Any]) -> list[Bound]:
    """The rlimits of a process like this one, or a fork of it. CPU seconds come first; `hold` adds those used so far.

    Empty where the platform has no rlimits.
    """
    try:
        import resource
    except ImportError:
        return []
    cpu = int(limits["cpu_seconds"]) + 2  # the kernel measures more precisely; this is the fallback
    rlimits = {
        "RLIMIT_CPU": (cpu, cpu + 1),
        "RLIMIT_NOFILE": (limits["open_files"],) * 2,
        "RLIMIT_FSIZE": (limits["file_bytes"],) * 2,
        "RLIMIT_CORE": (0, 0),
    }
    if limits["memory_bytes"] is not None and sys.platform.startswith("linux"):
        rlimits["RLIMIT_AS"] = (_address_space() + limits["memory_bytes"],) * 2
    return [(getattr(resource, name), bound) for name, bound in rlimits.items()]


def hold(bounds: list[Bound]) -> None:
    """Apply the limits to this process and its descendants; a tighter limit stays."""
    if not bounds:
        return
    import resource

    (first, cpu), *others = bounds
    used = int(usage()["cpu_seconds"])
    for number, (soft, hard) in ((first, (cpu[0] + used, cpu[1] + used)), *others):
        _, ceiling = resource.getrlimit(number)
        if ceiling != resource.RLIM_INFINITY:
            soft, hard = min(soft, ceiling), min(hard, ceiling)  # noqa: PLW2901 - as it will be
        resource.setrlimit(number, (soft, hard))
    _signal.signal(_signal.SIGXFSZ, _signal.SIG_IGN)  # a write past the limit raises OSError instead of killing


def usage() -> dict[str, float]:
    """CPU seconds and peak bytes of this process and the children it has waited for."""
    try:
        import resource
    except ImportError:
        return {"cpu_seconds": sum(os.times()[:2]), "peak_bytes": 0}
    process, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    unit = 1 if sys.platform == "darwin" else 1024
    return {
        "cpu_seconds": process.ru_utime + process.ru_stime + children.ru_utime + children.ru_stime,
        "peak_bytes": max(process.ru_maxrss, children.ru_maxrss) * unit,
    }


def _address_space() -> int:
    with open("/proc/self/statm", "rb") as statm:  # noqa: PTH123 - pathlib costs 3 ms of start-up
        return int(statm.read().split()[0]) * os.sysconf("SC_PAGESIZE")
