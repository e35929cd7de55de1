"""How the candidate's process ended, for its parent, the examiner."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from time import sleep
from typing import Any

from .candidate_client import CandidateClient

_LOOKS, _MOMENT = 200, 0.001  # how often, and after how many seconds, to look for the exit of a process that hung up
_EXITS = {"garbage": "garbage", "too much": "output"}  # the reason why the examiner ended the connection → exit


class CandidateChild:
    """A child process, and the client that calls it."""

    def __init__(self, pid: int, remote: CandidateClient) -> None:
        self.pid, self.remote = pid, remote

    def ending(self) -> dict[str, Any]:
        """How it ended, as the kernel is told: it broke the protocol, or it has a wait status."""
        why, _, words = self.remote.end_reason.partition(": ")
        status = None if why in _EXITS else self._status()
        if status is not None:
            return {"exit": "died", "status": status}
        with suppress(OSError):
            os.kill(self.pid, signal.SIGKILL)
        message = words or "it closed the channel to the examiner"
        return {"exit": _EXITS.get(why, "garbage"), "fault": {"type": "Ended", "message": message, "frames": []}}

    def _status(self) -> int | None:
        for _ in range(_LOOKS):
            try:
                ended, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                return 0
            if ended:
                return status
            sleep(_MOMENT)
        return None
