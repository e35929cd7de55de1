"""A mount namespace for candidates: a read-only file system with a private /tmp and /dev/shm.

A short-lived process makes it once, and each candidate enters it. There is none where only root may make namespaces.
"""

# ruff: noqa: PTH103,PTH110,PTH112,PTH115,PTH120,PTH123
# pathlib costs 3 ms of start-up.

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from typing import Any

_NEW_USER, _NEW_MOUNTS = 0x10000000, 0x00020000
_BIND, _RECURSIVE, _PRIVATE = 0x1000, 0x4000, 0x40000  # mount(2)
_SET_ATTRIBUTES, _ALL_BELOW, _READ_ONLY, _HERE = 442, 0x8000, 1, -100  # mount_setattr(2)
_DUMPABLE = 4  # prctl option


class View:
    """The namespaces of the process that made it. Raises OSError where there can be none."""

    def __init__(self, bound: Mapping[str, str], visible: Iterable[str], writable: Iterable[str]) -> None:
        """`bound`: place → what is seen there; `visible` paths below these stay visible; only `writable` is."""
        self._spaces: list[tuple[int, int]] = []
        ready, done = os.pipe(), os.pipe()
        pid = os.fork()
        if not pid:
            _serve(lambda: _make(dict(bound), [*visible], [*writable]), ready[1], done)
        os.close(ready[1])
        os.close(done[0])
        try:
            reply = os.read(ready[0], 1000).decode()
            if reply != "ready":
                raise OSError(reply or "the process that would make it died")
            kinds = (("user", _NEW_USER), ("mnt", _NEW_MOUNTS))
            other = [(f"/proc/{pid}/ns/{name}", kind) for name, kind in kinds if _is_other(pid, name)]
            self._spaces = [(os.open(path, os.O_RDONLY), kind) for path, kind in other]
        finally:
            os.close(ready[0])
            os.close(done[1])  # it ends
            os.waitpid(pid, 0)

    def enter(self) -> None:
        """Move this process into it. The process must have one thread, and drops its privileges next."""
        for file, kind in self._spaces:
            _succeed(_library()[0].setns(file, kind), "the candidate's view of files")
            os.close(file)

    @staticmethod
    def open_to_the_kernel() -> None:
        """Let processes of the same user inspect this one again, which new privileges have prevented."""
        _library()[0].prctl(_DUMPABLE, 1, 0, 0, 0)


def _is_other(pid: int, name: str) -> bool:
    return os.readlink(f"/proc/{pid}/ns/{name}") != os.readlink(f"/proc/self/ns/{name}")


def _serve(make: Any, ready: int, done: tuple[int, int]) -> None:
    """Make it and wait until the parent has opened it; never returns."""
    reply = "ready"
    os.close(done[1])
    try:
        make()
    except BaseException as error:  # noqa: BLE001 - reported to the parent
        reply = f"{type(error).__name__}: {error}"[:300]
    try:
        os.write(ready, reply.encode())
        os.read(done[0], 1)
    finally:
        os._exit(0)


def _make(bound: dict[str, str], visible: list[str], writable: list[str]) -> None:
    _separate()
    visible = [path for path in visible if any(path.startswith(f"{place}/") for place in bound)]
    sources = {
        path: os.open(path, os.O_PATH) for path in (*bound.values(), *visible, *writable) if os.path.exists(path)
    }
    _mount("none", "/", _RECURSIVE | _PRIVATE)
    for place, source in bound.items():
        if os.path.isdir(place):
            _bind(sources[source], place)
    for path in (*visible, *writable):
        if path in sources:
            _place_for(path, sources[path])
            _bind(sources[path], path)
    _read_only("/", below=True, on=True)
    for path in {*writable, *(place for place in bound if os.path.isdir(place))}:
        if path in sources or path in bound:
            _read_only(path, below=False, on=False)


def _separate() -> None:
    """Into mounts of our own; without root's privileges, as the root of a namespace in which we stay who we are."""
    library, _ = _library()
    user, group = os.geteuid(), os.getegid()
    if user == 0 and not library.unshare(_NEW_MOUNTS):
        return
    _succeed(library.unshare(_NEW_USER | _NEW_MOUNTS), "no namespace for a user")
    for name, words in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with suppress(FileNotFoundError), open(f"/proc/self/{name}", "w") as file:
            file.write(words)


def _place_for(path: str, source: int) -> None:
    """Something to mount it on, in the folder that covers where it was."""
    if os.path.exists(path):
        return
    if os.path.isdir(f"/proc/self/fd/{source}"):
        os.makedirs(path)
    else:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))


def _bind(source: int, place: str) -> None:
    _mount(f"/proc/self/fd/{source}", place, _BIND | _RECURSIVE)


def _mount(source: str, place: str, flags: int) -> None:
    _succeed(_library()[0].mount(source.encode(), place.encode(), None, flags, None), f"mount on {place}")


def _read_only(place: str, *, below: bool, on: bool) -> None:
    words = struct.pack("=QQQQ", _READ_ONLY if on else 0, 0 if on else _READ_ONLY, 0, 0)  # struct mount_attr
    call = _library()[0].syscall
    _succeed(call(_SET_ATTRIBUTES, _HERE, place.encode(), _ALL_BELOW if below else 0, words, len(words)), place)


def _succeed(result: int, message: str) -> None:
    if result:
        number = _library()[1].get_errno()
        raise OSError(number, f"{message}: {os.strerror(number)}")


@cache
def _library() -> tuple[Any, Any]:
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    _ = library.setns, library.prctl  # looked up now
    library.mount.argtypes = [ctypes.c_char_p] * 3 + [ctypes.c_ulong, ctypes.c_void_p]
    library.syscall.restype = ctypes.c_long
    if not sys.platform.startswith("linux"):
        raise OSError(f"there are no namespaces on {sys.platform}")
    return library, ctypes
