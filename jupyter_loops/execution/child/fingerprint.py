"""Detects changes of large arrays and frames at the speed of memory; it does not withstand hostile code."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any

_CHUNK = 1 << 16  # words


def fingerprint(value: Any) -> int:
    """A number that changes with the content, unless code prevents it on purpose; 0 for what cannot change."""
    module = type(value).__module__.partition(".")[0]
    if module == "pandas":
        blocks = getattr(getattr(value, "_mgr", None), "blocks", ())
        labels = (id(value.index), id(getattr(value, "columns", None)))
        return hash((*labels, *(_of_array(block.values) for block in blocks)))
    return _of_array(value) if module == "numpy" else 0


def _of_array(array: Any) -> int:
    """Words of memory, each weighted by its place; of objects, their addresses."""
    numpy = sys.modules["numpy"]
    if not isinstance(array, numpy.ndarray):
        return id(array)
    array = array if array.flags.c_contiguous else array.T
    if not array.flags.c_contiguous:
        array = numpy.ascontiguousarray(array)
    memory = (ctypes.c_ubyte * array.nbytes).from_address(array.ctypes.data) if array.nbytes else b""
    words = numpy.frombuffer(memory, numpy.uint64, array.nbytes // 8)
    full = len(words) // _CHUNK * _CHUNK
    chunks = [int(numpy.bitwise_xor.reduce(part * _weights())) for part in words[:full].reshape(-1, _CHUNK)]
    last = words[full:] * _weights()[: len(words) - full]
    tail = bytes(memoryview(memory)[8 * len(words) :])
    return hash((*chunks, int(numpy.bitwise_xor.reduce(last)) if len(last) else 0, tail, array.shape, str(array.dtype)))


@cache
def _weights() -> Any:
    numpy = sys.modules["numpy"]
    return numpy.arange(1, 2 * _CHUNK, 2, dtype=numpy.uint64)
