"""Looks through a pickle before it is loaded: only what builds plain values, and no tuple too deep to be hashed.

The unpickler sizes its memo by the largest index that the bytes name, and CPython hashes nested tuples by
recursion in C without a limit; so neither may reach it.
"""

from __future__ import annotations

import re
from functools import cache

from .depth import Depth
from .refusal import UnreadableError

_SHORTS = (b"\x8c", b"C", b"\x8a")  # a length of one byte, then the data
_SIZED = {0x58: 4, 0x42: 4, 0x8B: 4, 0x8D: 8, 0x8E: 8, 0x96: 8} | {code[0]: 1 for code in _SHORTS}  # bytes of a length
_TUPLES = b"t\x85\x86\x87"
_SHORT = 1 << 16  # bytes that are counted in no time
_TUPLE_CODES = [bytes([code]) for code in _TUPLES]
_MANY = 1000  # tuples of more than atoms, before it matters how deep they are
_STOP = ord(".")


def _short(code: bytes) -> bytes:
    lengths = b"|".join(re.escape(bytes([length])) + b".{%d}" % length for length in range(256))
    return re.escape(code) + b"(?:" + lengths + b")"


_NUMBER = rb"K.|[N)\x88\x89]|M..|J.{4}|G.{8}"
_OTHER = rb"[\]}(ae01su\x8f\x90\x91\x94]|h.|j.{4}|\x95.{8}|\x80\x05"
_TUPLE = b"[" + _TUPLES + b"]"


def _run(*choices: bytes) -> re.Pattern[bytes]:
    return re.compile(b"(?:" + b"|".join(choices) + b")*+", re.DOTALL)


_FEW_TUPLES = _run(_NUMBER, _OTHER, _TUPLE)  # texts are skipped one by one


@cache
def _atom() -> bytes:
    """Every atom; to compile this takes longer than to start."""
    return b"(?:" + b"|".join([_NUMBER, *map(_short, _SHORTS)]) + b")\x94?+"


@cache
def _many_tuples() -> re.Pattern[bytes]:
    atom = _atom()
    flat = rb"%b(?:\x85|%b(?:\x86|%b\x87))|\((?:%b)*+t" % (atom, atom, atom, atom)  # a tuple of atoms
    return _run(flat, atom, _OTHER)


@cache
def _step() -> re.Pattern[bytes]:
    return re.compile(_atom().removesuffix(b"\x94?+") + b"|" + _OTHER + b"|" + _TUPLE, re.DOTALL)


def check(data: bytes | bytearray) -> None:
    """Raises UnreadableError for opcodes that are not those of plain values, and for tuples nested too deep."""
    few = len(data) <= _SHORT and sum(map(data.count, _TUPLE_CODES)) <= _MANY
    if _count_tuples(data, _FEW_TUPLES if few else _many_tuples()) > _MANY:
        _measure(data)


def _count_tuples(data: bytes | bytearray, run: re.Pattern[bytes]) -> int:
    at, tuples = 0, 0
    while True:
        at = _end(run, data, at)
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
        match = _step().match(data, at)
        end = _skip(data, at, code) if match is None else match.end()
        depth.step(code, data[at + 1 : min(end, at + 5)])
        at = end


def _end(pattern: re.Pattern[bytes], data: bytes | bytearray, at: int) -> int:
    match = pattern.match(data, at)
    return at if match is None else match.end()


def _code(data: bytes | bytearray, at: int) -> int:
    if at >= len(data):
        raise UnreadableError("the bytes end early")
    return data[at]


def _skip(data: bytes | bytearray, at: int, code: int) -> int:
    width = _SIZED.get(code)
    if width is None:
        raise UnreadableError(f"opcode {code:#x} is not one of plain values")
    return at + 1 + width + int.from_bytes(data[at + 1 : at + 1 + width], "little")
