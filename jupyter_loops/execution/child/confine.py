"""What a process may use, set by itself before it runs anything foreign."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

_SUBREAPER, _DEATH_SIGNAL, _DUMPABLE = 36, 1, 4  # prctl options, linux/prctl.h


def adopt_orphans(*, die_with_parent: bool) -> None:
    """Become the parent of every orphaned descendant, so that none can hide by daemonising. Linux only."""
    if not sys.platform.startswith("linux"):
        return
    prctl = _prctl()
    prctl(_SUBREAPER, 1, 0, 0, 0)
    if die_with_parent:
        prctl(_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)


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


def limit(limits: dict[str, Any]) -> None:
    """Resource limits of this process and its descendants; none where the platform has none."""
    try:
        import resource
    except ImportError:
        return
    cpu = int(usage()["cpu_seconds"] + limits["cpu_seconds"]) + 2  # the kernel watches more finely; this is the net
    bounds = {
        "RLIMIT_CPU": (cpu, cpu + 1),
        "RLIMIT_NOFILE": (limits["open_files"],) * 2,
        "RLIMIT_FSIZE": (limits["file_bytes"],) * 2,
        "RLIMIT_CORE": (0, 0),
    }
    if limits["memory_bytes"] is not None and sys.platform.startswith("linux"):
        bounds["RLIMIT_AS"] = (_address_space() + limits["memory_bytes"],) * 2
    for name, (soft, hard) in bounds.items():
        number = getattr(resource, name)
        _, ceiling = resource.getrlimit(number)
        if ceiling != resource.RLIM_INFINITY:
            soft, hard = min(soft, ceiling), min(hard, ceiling)  # noqa: PLW2901 - the tighter bound holds
        resource.setrlimit(number, (soft, hard))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write past the limit raises OSError instead of killing


def usage() -> dict[str, float]:
    """CPU seconds and peak bytes of this process and the children it has waited for."""
    try:
        import resource
    except ImportError:
        return {"cpu_seconds": sum(os.times()[:2]), "peak_bytes": 0}
    own, others = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    unit = 1 if sys.platform == "darwin" else 1024
    return {
        "cpu_seconds": own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime,
        "peak_bytes": max(own.ru_maxrss, others.ru_maxrss) * unit,
    }


def _address_space() -> int:
    with open("/proc/self/statm", "rb") as statm:  # noqa: PTH123 - pathlib costs 3 ms of start-up
        return int(statm.read().split()[0]) * os.sysconf("SC_PAGESIZE")
