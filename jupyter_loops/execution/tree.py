"""A process and all its descendants: measure what they use, and kill them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Container, Iterable
from contextlib import suppress
from dataclasses import dataclass

_PIECE = 1 << 16
_LINUX = sys.platform.startswith("linux")
_KILL: int = getattr(signal, "SIGKILL", signal.SIGTERM)  # on Windows any signal ends a process
_STOP: int | None = getattr(signal, "SIGSTOP", None)


ProcessTicks = dict[tuple[int, str], int]  # pid and start time of a process → ticks that it has used


@dataclass(frozen=True, slots=True)
class ProcessUsage:
    """What a tree of processes uses together."""

    processes: int  # zombies included
    threads: int
    cpu_seconds: float
    memory_bytes: int  # resident, without pages shared with the zygote


def descendants(pid: int) -> list[int]:
    """Live descendants, parents before children."""
    pids = children(pid)
    for parent in pids:  # grows while it is walked
        pids += children(parent)
    return pids


def children(pid: int, but: Container[int] = ()) -> list[int]:
    """Live children of one process, except `but`; empty if it has ended."""
    if not _LINUX:
        return [child for child in _psutil_children(pid) if child not in but]
    return [child for child in _born(pid) if child not in but and alive(child)]


def _born(pid: int) -> list[int]:
    """Children that are alive or zombies."""
    try:
        tasks = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208 - read many times a second
        return [int(child) for task in tasks for child in _text(f"/proc/{pid}/task/{task}/children").split()]
    except OSError:
        return []


def alive(pid: int) -> bool:
    """Whether the process runs. A zombie counts if threads of it still run."""
    if not _LINUX:
        return _psutil_alive(pid)
    stat = _stat(pid)
    return bool(stat) and (stat[0] not in {"Z", "X"} or int(stat[17]) > 1)


def load(pid: int, shared_bytes: int = 0, recorded: ProcessTicks | None = None) -> ProcessUsage:
    """What the process and its descendants use now.

    With `recorded`, which it updates, the CPU time of ended processes counts even if nobody waited for them.
    """
    if not _LINUX:
        return _psutil_load([pid, *descendants(pid)], shared_bytes)
    pids = [pid]
    for process in pids:  # grows while it is walked
        pids += _born(process)
    stats = {process: stat for process in pids if (stat := _stat(process))}
    ticks = sum(int(ticks) for stat in stats.values() for ticks in stat[11:15])  # own, and of waited children
    if recorded is not None:
        recorded.update({(process, stat[19]): int(stat[11]) + int(stat[12]) for process, stat in stats.items()})
        ticks = max(ticks, sum(recorded.values()))
    memory = sum(max(0, int(stat[21]) * os.sysconf("SC_PAGESIZE") - shared_bytes) for stat in stats.values())
    threads = sum(int(stat[17]) for stat in stats.values())
    return ProcessUsage(len(stats), threads, ticks / os.sysconf("SC_CLK_TCK"), memory)


def resident(pid: int) -> int:
    """Resident bytes of one process."""
    if not _LINUX:
        return _psutil_load([pid], 0).memory_bytes
    stat = _stat(pid)
    return int(stat[21]) * os.sysconf("SC_PAGESIZE") if stat else 0


def started_with(mark: str) -> list[int]:
    """Processes with this text in their initial environment."""
    if not _LINUX:
        return _psutil_started_with(mark)
    pids = []
    for name in os.listdir("/proc"):  # noqa: PTH208 - hundreds of entries
        with suppress(OSError):
            if name.isdigit() and mark in _text(f"/proc/{name}/environ"):
                pids.append(int(name))
    return pids


def kill_tree(pid: int) -> bool:
    """Kill the live processes of a tree; whether there were any. Call it until it returns False.

    The root is stopped first and killed last. It adopts orphans of its descendants, so that none escapes between two
    calls.
    """
    below = descendants(pid)
    if below:
        if _STOP is not None:
            _send(pid, _STOP)
        for descendant in below:
            _send(descendant, _KILL)
        return True
    if alive(pid):
        _send(pid, _KILL)
        return True
    return False


def kill_trees(pids: Iterable[int]) -> bool:
    """Kill several trees; whether there were any live processes."""
    return max([kill_tree(pid) for pid in pids], default=False)


def kill(pid: int) -> None:
    """Kill one process, but not its descendants."""
    _send(pid, _KILL)


def _send(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the state on; empty if the process has ended."""
    try:
        return _text(f"/proc/{pid}/stat").rpartition(")")[2].split()
    except OSError:
        return []


def _text(path: str) -> str:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)  # a text file costs four times the system calls
    try:
        pieces = []
        while piece := os.read(file, _PIECE):
            pieces.append(piece)
    finally:
        os.close(file)
    return b"".join(pieces).decode(errors="replace")


def _psutil_children(pid: int) -> list[int]:
    import psutil

    try:
        return [child.pid for child in psutil.Process(pid).children() if _psutil_alive(child.pid)]
    except psutil.Error:
        return []


def _psutil_alive(pid: int) -> bool:
    import psutil

    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _psutil_load(pids: list[int], shared_bytes: int) -> ProcessUsage:
    import psutil

    processes, threads, cpu, memory = 0, 0, 0.0, 0
    for pid in pids:
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            with process.oneshot():
                times = process.cpu_times()
                cpu += times.user + times.system
                memory += max(0, process.memory_info().rss - shared_bytes)
                threads += process.num_threads()
                processes += 1
    return ProcessUsage(processes, threads, cpu, memory)


def _psutil_started_with(mark: str) -> list[int]:
    import psutil

    pids = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if any(f"{name}={text}".startswith(mark) for name, text in process.environ().items()):
                pids.append(process.pid)
    return pids
