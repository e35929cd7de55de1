"""Whether the kernel that began a run can still be running it."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime

_SLACK = 2.0  # seconds by which a process may seem younger than what it did: clocks are coarse


def gone(kernel: str, began: datetime) -> bool:
    """Whether the process `pid@host` that began a run then (UTC) has surely ended. Of another host nothing is known."""
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
    return ended or born > began.replace(tzinfo=UTC).timestamp() + _SLACK  # younger: another one with the same number
