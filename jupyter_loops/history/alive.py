"""Whether the kernel of a run can still be running it."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime

_SLACK = 2.0  # seconds by which a process may seem younger than what it did: clocks are coarse


def kernel_ended(kernel: str, spoke: datetime) -> bool:
    """Whether the process `pid@host` that spoke then (UTC) has surely ended. Of another host nothing is known."""
    pid, _, host = kernel.partition("@")
    if host != platform.node() or not pid.isdecimal() or int(pid) == os.getpid():
        return False
    import psutil

    try:
        process = psutil.Process(int(pid))
        born, ended = process.create_time(), process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False
    return ended or born > spoke.replace(tzinfo=UTC).timestamp() + _SLACK  # younger: another one with the same number
