"""Looks through a pickle before it is loaded: only what builds plain values, and no tuple too deep to be hashed.

The unpickler sizes its memo by the largest index that the bytes name, and CPython hashes nested tuples by
recursion in C without a limit; so neither may reach it.
"""

from __future__ import annotations

import re

from .depth import Depth
from .refusal import Unreadable

_SIZED = {0x58: 4, 0x42: 4, 0x8B: 4, 0x8D: 8, 0x8E: 8, 0x96: 8}  # a length of so many bytes, then the data
_TUPLES = b"t\x85\x86\x87"
_MANY = 1000  # tuples, before it matters how deep they are
_STOP = ord(".")


def _short(code: bytes) -> bytes:
    lengths = b"|".join(re.escape(bytes([length])) + b".{%d}" % length for length in range(256))
    return re.escape(code) + b"(?:" + lengths + b")"


_BARE = b"[NJ)}(ae01su" + re.escape(b"]") + rb"\x88\x89\x8f\x90\x91\x94]"
_FIXED = rb"K.|M..|J.{4}|G.{8}|h.|j.{4}|\x95.{8}|\x80\x05"
_ONE = b"|".join([_BARE.replace(b"J", b""), _FIXED, *map(_short, (b"\x8c", b"C", b"\x8a"))])
_RUN = re.compile(b"(?:" + _ONE + b")*+", re.DOTALL)
_STEP = re.compile(_ONE + b"|[" + _TUPLES + b"]", re.DOTALL)


def check(data: bytes | bytearray) -> None:
    """Raises Unreadable for opcodes that are not those of plain values, and for tuples nested too deep."""
    if _count_tuples(data) > _MANY:
        _measure(data)


def _count_tuples(data: bytes | bytearray) -> int:
    at, tuples = 0, 0
    while True:
        at = _end(_RUN, data, at)
        code = _code(data, at)
        if code in _TUPLES:
            tuples, at = tuples + 1, at + 1
        elif code == _STOP:
            return tuples
        else:
            at = _skip(data, at, code)


def _measure(data: bytes | bytearray) -> None:
    depth, at = Depth(), 0
    while (code := _code(data, at)) != _STOP:
        match = _STEP.match(data, at)
        end = _skip(data, at, code) if match is None else match.end()
        depth.step(code, data[at + 1 : min(end, at + 5)])
        at = end


def _end(pattern: re.Pattern[bytes], data: bytes | bytearray, at: int) -> int:
    match = pattern.match(data, at)
    return at if match is None else match.end()


def _code(data: bytes | bytearray, at: int) -> int:
    if at >= len(data):
        raise Unreadable("the bytes end early")
    return data[at]


def _skip(data: bytes | bytearray, at: int, code: int) -> int:
    width = _SIZED.get(code)
    if width is None:
        raise Unreadable(f"opcode {code:#x} is not one of plain values")
    return at + 1 + width + int.from_bytes(data[at + 1 : at + 1 + width], "little")
