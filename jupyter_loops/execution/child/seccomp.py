"""A seccomp filter: which system calls a candidate may make, held by the operating system for all its descendants."""

from __future__ import annotations

import os
import struct
import sys
from bisect import insort
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from .syscalls import (
    CLONE,
    CLONE3,
    CLOSE_RANGE,
    COMMANDS,
    FALLOCATE,
    METADATA,
    OF_ITSELF,
    REFUSED,
    SOCKETPAIR,
    SOCKETS,
)

Block = list[tuple[int, int, int, int]]  # instructions of classic BPF: code, where true, where false, constant

_ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}  # AUDIT_ARCH_*, linux/audit.h; column
_SECCOMP = (317, 277)  # the system call's own number
_LOAD, _RETURN = 0x20, 0x06
_EQUAL, _AT_LEAST, _HAS_BITS, _AND = 0x15, 0x35, 0x45, 0x54
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_EPERM, _ENOSYS, _EOPNOTSUPP = 1, 38, 95
_X32 = 0x40000000  # a second numbering of the same calls
_NEW_NAMESPACE = 0x7E020000  # CLONE_NEW* but for CLONE_NEWTIME, which clone() cannot say
_FOREIGN_PARENT = 0x0080A000  # CLONE_PARENT, CLONE_PTRACE, CLONE_UNTRACED
_THREAD, _FILES = 0x00010000, 0x00000400  # CLONE_THREAD, CLONE_FILES
_UNSHARE = 2  # CLOSE_RANGE_UNSHARE
_AF_UNIX, _STREAM, _SEQPACKET, _TYPE = 1, 1, 5, 0xF
_SET_FILTER, _WITH_ALL_THREADS, _NO_NEW_PRIVS = 1, 1, 38

_allow: Block = [(_RETURN, 0, 0, _ALLOW)]
_refuse: Block = [(_RETURN, 0, 0, _ERRNO | _EPERM)]
_unknown: Block = [(_RETURN, 0, 0, _ERRNO | _ENOSYS)]
_unsupported: Block = [(_RETURN, 0, 0, _ERRNO | _EOPNOTSUPP)]


def available() -> str:
    """Why there is no filter here; empty where there is."""
    if not sys.platform.startswith("linux"):
        return f"there is no seccomp on {sys.platform}"
    if os.uname().machine not in _ARCHITECTURES or sys.maxsize < 1 << 32:
        return f"the seccomp filter is not made for {os.uname().machine}"
    syscall, ctypes = _libc()
    action = ctypes.c_uint32(_ERRNO)
    supported = syscall(_SECCOMP[_column()], 2, 0, ctypes.byref(action)) == 0  # SECCOMP_GET_ACTION_AVAIL
    return "" if supported else f"this kernel refuses seccomp: {os.strerror(ctypes.get_errno())}"


@cache
def program(*, sockets: bool, metadata: bool) -> bytes:
    """The filter. With `sockets` all of them stay; with `metadata`, mode and owner of files may be changed."""
    return assemble(os.uname().machine, sockets=sockets, metadata=metadata)


def assemble(machine: str, *, sockets: bool, metadata: bool) -> bytes:
    """The filter for one architecture, as a search tree over the numbers: few steps for any of them."""
    architecture, column = _ARCHITECTURES[machine]
    refused = REFUSED | ({} if sockets else SOCKETS) | ({} if metadata else METADATA)
    blocks = {numbers[column]: _refuse for numbers in refused.values()}
    blocks |= {number[column]: _if_zero(argument) for number, argument in OF_ITSELF.values()}
    blocks |= {number[column]: _unless_among(argument, commands) for number, argument, commands in COMMANDS.values()}
    blocks |= {CLONE[column]: _clone(), CLONE3[column]: _unknown}
    blocks |= {CLOSE_RANGE[column]: _close_range(), FALLOCATE[column]: _unsupported}
    if not sockets:
        blocks[SOCKETPAIR[column]] = _socketpair()
    tree = _tree(_ranges({number: block for number, block in blocks.items() if number is not None}))
    foreign: Block = [(_LOAD, 0, 0, _ARCHITECTURE), (_EQUAL, 1, 0, architecture), *_refuse]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in [*foreign, (_LOAD, 0, 0, _NUMBER), *tree])


def install(instructions: bytes) -> None:
    """Hold this process to the filter, with all threads that it has. Raises OSError."""
    syscall, ctypes = _libc()
    words, _ = prepared(instructions)
    if _prctl()(_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "the system grants new privileges still")
    if status := syscall(_SECCOMP[_column()], _SET_FILTER, _WITH_ALL_THREADS, words):
        raise OSError(ctypes.get_errno(), f"the seccomp filter was not taken ({status})")


@cache
def prepared(instructions: bytes) -> tuple[bytes, Any]:
    """A struct sock_fprog, and the memory that it points to; made before the fork, it costs nothing after it."""
    _prctl()
    content = _libc()[1].create_string_buffer(instructions, len(instructions))
    return struct.pack("@HxxxxxxQ", len(instructions) // 8, _libc()[1].addressof(content)), content


def restrict(*, sockets: bool, metadata: bool = True) -> None:
    """Make the filter and hold this process to it. Raises OSError."""
    install(program(sockets=sockets, metadata=metadata))


def _ranges(blocks: dict[int, Block]) -> list[tuple[int, Block]]:
    """The first number of each run of equal treatment, and the treatment; in order."""
    ranges: list[tuple[int, Block]] = [(0, _allow)]
    for number in sorted(blocks):
        if ranges[-1][0] == number:
            ranges.pop()
        if not ranges or ranges[-1][1] is not blocks[number]:
            insort(ranges, (number, blocks[number]))
        ranges.append((number + 1, _allow))
    return [*ranges, (_X32, _refuse)]


def _tree(ranges: list[tuple[int, Block]]) -> Block:
    if len(ranges) == 1:
        return ranges[0][1]
    middle = len(ranges) // 2
    below, above = _tree(ranges[:middle]), _tree(ranges[middle:])
    return [_jump(_AT_LEAST, ranges[middle][0], len(below)), *below, *above]


def _jump(code: int, constant: int, over: int) -> tuple[int, int, int, int]:
    """Leave out so many instructions where it is true."""
    if over > 255:  # noqa: PLR2004 - a byte
        raise ValueError("the filter has grown too long for one jump")
    return code, over, 0, constant


def _if_zero(argument: int) -> Block:
    return [_argument(argument), (_EQUAL, 0, 1, 0), *_allow, *_refuse]


def _unless_among(argument: int, values: Sequence[int]) -> Block:
    """Allow, but for these values of an argument."""
    comparisons: Block = [(_EQUAL, len(values) - place, 0, value) for place, value in enumerate(values)]
    return [_argument(argument), *comparisons, *_allow, *_refuse]


def _clone() -> Block:
    """Refuse namespaces, another parent, and a thread whose own file table the disk limit would not see."""
    thread: Block = [(_AND, 0, 0, _THREAD | _FILES), (_EQUAL, 1, 0, _THREAD)]
    return [_argument(0), (_HAS_BITS, len(thread) + 1, 0, _NEW_NAMESPACE | _FOREIGN_PARENT), *thread, *_allow, *_refuse]


def _close_range() -> Block:
    return [_argument(2), (_HAS_BITS, 1, 0, _UNSHARE), *_allow, *_refuse]


def _socketpair() -> Block:
    """Only of streams: a datagram socket could still be sent to any address."""
    kind: Block = [_argument(1), (_AND, 0, 0, _TYPE), (_EQUAL, 1, 0, _STREAM), (_EQUAL, 0, 1, _SEQPACKET)]
    return [_argument(0), (_EQUAL, 0, len(kind) + 1, _AF_UNIX), *kind, *_allow, *_refuse]


def _argument(number: int) -> tuple[int, int, int, int]:
    """Its lower half, which is all of an int; both architectures are little-endian."""
    return _LOAD, 0, 0, _ARGUMENTS + 8 * number


def _column() -> int:
    return _ARCHITECTURES[os.uname().machine][1]


@cache
def _libc() -> tuple[Callable[..., int], Any]:
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    return library.syscall, ctypes


@cache
def _prctl() -> Callable[..., int]:
    import ctypes

    function: Callable[..., int] = ctypes.CDLL(None, use_errno=True).prctl
    return function
