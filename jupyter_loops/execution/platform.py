"""What this operating system offers to the sandbox."""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """The features of the platform. A test may turn some off."""

    name: str  # as sys.platform
    forks: bool  # a process can be forked safely
    passes_files: bool  # descriptors can be inherited by number, and sent over a socket
    holds: bool  # the system can limit a process (setrlimit)

    @classmethod
    def here(cls) -> Platform:
        """The current platform. macOS can fork, but its frameworks, which numpy uses, may crash in the child."""
        return cls(
            name=sys.platform,
            forks=hasattr(os, "fork") and sys.platform != "darwin",
            passes_files=hasattr(socket, "send_fds"),
            holds=os.name == "posix",
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What cannot be limited here, as notes for the user."""
        if self.name.startswith("linux") and self.holds:
            return ()
        watched = f"on {self.name} memory and processes of a candidate are watched from outside, not limited by the OS"
        if self.holds:
            return (f"{watched}; a process that leaves the process tree is found by its environment only",)
        return (f"{watched}; open files and the size of files are not limited",)
