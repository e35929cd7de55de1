"""A process's own session and output."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def settle(outputs: list[int]) -> None:
    """Give this process its own session and output."""
    if hasattr(os, "setsid"):
        with suppress(OSError):  # it leads one already
            os.setsid()
    for number, file in enumerate(outputs, start=1):
        os.dup2(file, number)
        os.close(file)


def flush_each_line() -> None:
    """Have a kill lose at most one line of what is printed."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):  # the set-up has put something else in its place
            stream.reconfigure(line_buffering=True)  # type: ignore[union-attr] # same
        stream.flush()
