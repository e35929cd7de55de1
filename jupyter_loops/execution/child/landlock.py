"""Landlock: which files a candidate may use, held by the operating system for all its descendants, without privileges.

A ruleset allows by path and refuses the rest. The paths are opened once, before the fork; each candidate's own folder
is added after it.
"""

from __future__ import annotations

import os
import stat
import struct
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from typing import Any

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # system calls, the same numbers on every architecture
_ASK_VERSION, _BENEATH, _NO_NEW_PRIVS = 1, 1, 38
_EXECUTE, _WRITE, READ, LIST = 1, 2, 4, 8
_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}  # ABI → how many rights over files it knows, the first of them first
_OF_FILES = _EXECUTE | _WRITE | READ | 1 << 14 | 1 << 15  # truncate, ioctl of devices: what a file can have
_NODES = 1 << 6 | 1 << 11  # make character and block devices
_TCP, _SCOPES = 3, 3  # bind and connect (ABI 4); abstract sockets and signals stay inside (ABI 6)
_TCP_SINCE, _SCOPES_SINCE = 4, 6
_OUT_OF_THE_WAY = 256  # descriptors below stay free for what is opened meanwhile, and after it
_PLACE = os.O_CLOEXEC | getattr(os, "O_PATH", 0)


@cache
def abi() -> int:
    """The version of Landlock that this kernel has; 0 where it has none, or has it turned off."""
    if not sys.platform.startswith("linux"):
        return 0
    return max(0, _syscall(_CREATE, None, 0, _ASK_VERSION))


def available() -> str:
    """Why there is no Landlock here; empty where there is."""
    return "" if abi() else "this kernel has no Landlock (Linux 5.13 or newer, with landlock among its lsm=)"


def holds_signals() -> bool:
    """Whether it keeps signals inside, too; Linux 6.12 and newer do."""
    return abi() >= _SCOPES_SINCE


class Rules:
    """Paths and what is allowed beneath them, opened once."""

    def __init__(self, readable: Iterable[str], writable: Iterable[str], *, listed: Iterable[str] = ()) -> None:
        """`listed` folders may be listed, with those inside, but not read. What is missing is left out."""
        everything = _everything()
        self._rules: list[bytes] = []
        self._places: list[int] = []
        for paths, rights in (
            (readable, (_EXECUTE | READ | LIST) & everything),
            (listed, LIST),
            (writable, everything & ~_NODES),
        ):
            for path in paths:
                with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
                    self._open(path, rights)

    def ruleset(self, *, tcp: bool = False) -> Ruleset:
        """A ruleset of all rules, for one process. Raises OSError."""
        ruleset = Ruleset(tcp=tcp)
        for rule in self._rules:
            ruleset.add(rule)
        return ruleset

    def close(self) -> None:
        """Close the paths, which would count as open files of a candidate."""
        for place in self._places:
            os.close(place)
        self._rules, self._places = [], []

    def _open(self, path: str, rights: int) -> None:
        place, rule = _rule(path, rights, _OUT_OF_THE_WAY)
        self._places.append(place)
        self._rules.append(rule)


class Ruleset:
    """The ruleset of one process, until it is enforced."""

    def __init__(self, *, tcp: bool = False) -> None:
        version = abi()
        networks = _TCP if version >= _TCP_SINCE and not tcp else 0
        scopes = _SCOPES if version >= _SCOPES_SINCE else 0
        words = struct.pack("=QQQ", _everything(), networks, scopes)
        size = 24 if version >= _SCOPES_SINCE else 16 if version >= _TCP_SINCE else 8
        self._file = _succeed(_syscall(_CREATE, words, size, 0), "no Landlock ruleset could be made")

    def allow(self, path: str, rights: int | None = None) -> None:
        """Allow `rights`, or all, beneath one more path. Raises OSError."""
        place, rule = _rule(path, _everything() & ~_NODES if rights is None else rights)
        try:
            self.add(rule)
        finally:
            os.close(place)

    def add(self, rule: bytes) -> None:
        """Add one more rule. Raises OSError."""
        _succeed(_syscall(_ADD, self._file, _BENEATH, rule, 0), "a Landlock rule was not taken")

    def enforce(self) -> None:
        """Restrict this process, and all that it starts, to what is allowed. Raises OSError."""
        _succeed(_prctl()(_NO_NEW_PRIVS, 1, 0, 0, 0), "the system grants new privileges still")
        _succeed(_syscall(_RESTRICT, self._file, 0), "the Landlock ruleset was not enforced")
        os.close(self._file)


def restrict(readable: Iterable[str], writable: Iterable[str], *, tcp: bool = False) -> None:
    """Read and execute only beneath `readable`, write only beneath `writable`. Raises OSError."""
    Rules(readable, writable).ruleset(tcp=tcp).enforce()


def _rule(path: str, rights: int, above: int = 0) -> tuple[int, bytes]:
    """The path, opened, and a struct landlock_path_beneath_attr for it. Raises OSError."""
    place = os.open(path, _PLACE)
    if above:
        from fcntl import F_DUPFD_CLOEXEC, fcntl

        with suppress(OSError):  # where fewer may be open
            place, low = fcntl(place, F_DUPFD_CLOEXEC, above), place
            os.close(low)
    if not stat.S_ISDIR(os.fstat(place).st_mode):
        rights &= _OF_FILES
    return place, struct.pack("=Qi", rights, place)


@cache
def _everything() -> int:
    """All rights over files that this version knows, and so refuses where no rule allows them."""
    return (1 << max(count for version, count in _RIGHTS.items() if version <= abi())) - 1


def _succeed(result: int, message: str) -> int:
    if result < 0:
        import ctypes

        raise OSError(ctypes.get_errno(), f"{message}: {os.strerror(ctypes.get_errno())}")
    return result


def _syscall(number: int, *arguments: Any) -> int:
    result: int = _library().syscall(number, *arguments)
    return result


def _prctl() -> Callable[..., int]:
    function: Callable[..., int] = _library().prctl
    return function


@cache
def _library() -> Any:
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    _ = library.prctl  # looked up now: once a candidate has come, it would be told as its own doing
    return library
