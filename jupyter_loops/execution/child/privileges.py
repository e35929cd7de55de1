"""Gives up root's capabilities for good: they would bypass all other restrictions."""

from __future__ import annotations

import os
import struct
import sys
from functools import cache
from typing import Any

_DROP_FROM_BOUNDING, _AMBIENT, _CLEAR_ALL = 24, 47, 4  # prctl options, linux/prctl.h
_HEADER = struct.pack("=Ii", 0x20080522, 0)  # version, this process
_SETS = struct.Struct("=6I")  # effective, permitted, inheritable: the lower 32, then the upper
_LAST = 40  # CAP_CHECKPOINT_RESTORE; Linux has had no newer one since 5.9
FILES = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: to read and write what others own


def drop(retained: int = 0) -> None:
    """Give up all capabilities but those in `retained`, a mask, also for programs that are started. Raises OSError."""
    if not sys.platform.startswith("linux"):
        return
    library, ctypes = _library()
    before = ctypes.create_string_buffer(_SETS.size)
    _succeed(library.capget(_HEADER, before))
    effective, permitted, _, _, more, _ = _SETS.unpack(before.raw)
    if not (permitted or more):
        return
    for number in range(_LAST + 1):
        if not retained >> number & 1:
            library.prctl(_DROP_FROM_BOUNDING, number, 0, 0, 0)  # refused where there is none to drop
    library.prctl(_AMBIENT, _CLEAR_ALL, 0, 0, 0)
    _succeed(library.capset(_HEADER, _SETS.pack(effective & retained, permitted & retained, 0, 0, 0, 0)))


def _succeed(result: int) -> None:
    if result:
        number = _library()[1].get_errno()
        raise OSError(number, f"capabilities could not be given up: {os.strerror(number)}")


@cache
def _library() -> tuple[Any, Any]:
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    if sys.platform.startswith("linux"):
        _ = library.capget, library.capset, library.prctl  # looked up now
    return library, ctypes


load = _library  # before the fork, for all forks
