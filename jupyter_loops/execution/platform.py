"""What this operating system has of what the sandbox would use."""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """The ways that are open here. A test may close some of them."""

    name: str  # as sys.platform
    forks: bool  # a process may be forked and go on safely
    passes_files: bool  # descriptors can be inherited by number, and sent over a socket
    holds: bool  # the system itself holds a process to limits (setrlimit)

    @classmethod
    def here(cls) -> Platform:
        """The one we are on. macOS can fork, but its own frameworks, numpy's among them, may crash in the child."""
        return cls(
            name=sys.platform,
            forks=hasattr(os, "fork") and sys.platform != "darwin",
            passes_files=hasattr(socket, "send_fds"),
            holds=os.name == "posix",
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What cannot be limited here, for the person whose run it is."""
        if self.name.startswith("linux") and self.holds:
            return ()
        watched = f"on {self.name} memory and processes of a candidate are watched from outside, not held by the system"
        if self.holds:
            return (f"{watched}; what leaves the tree of its parents is found by its environment only",)
        return (f"{watched}; open files and the size of files are not limited",)
