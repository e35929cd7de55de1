"""A process's own session and output."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress


def settle(outputs: list[int]) -> None:
    """Give this process its own session and output."""
    if hasattr(os, "setsid"):
        with suppress(OSError):  # it leads one already
            os.setsid()
    for number, file in enumerate(outputs, start=1):
        os.dup2(file, number)
        os.close(file)


def part(files: Mapping[int, os.stat_result]) -> None:
    """Replace these descriptors and stdin, which other processes share: a lock on them could carry a message.

    A descriptor that has been reopened for another file stays.
    """
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    for number, state in files.items():
        with suppress(OSError):
            if os.path.samestat(os.fstat(number), state):
                os.dup2(nowhere, number, inheritable=False)
    if nowhere:
        os.close(nowhere)


@contextmanager
def silence() -> Iterator[None]:
    """Discard what is printed."""
    nowhere, saved = os.open(os.devnull, os.O_WRONLY), [os.dup(number) for number in (1, 2)]
    try:
        for number in (1, 2):
            os.dup2(nowhere, number)
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        for number, file in enumerate(saved, start=1):
            os.dup2(file, number)
            os.close(file)
        os.close(nowhere)


def use_line_buffering() -> None:
    """Have a kill lose at most one line of what is printed."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):  # the set-up has put something else in its place
            stream.reconfigure(line_buffering=True)  # type: ignore[union-attr] # same
        stream.flush()
