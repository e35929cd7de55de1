"""One digest of a value's whole content, to notice when data was changed in place."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

_TEXTS = frozenset({str, int, float, complex, bool, type(None), range})
_BYTES = frozenset({bytes, bytearray})
_CONTAINERS = frozenset({list, tuple, dict, set, frozenset})
_SCALARS = frozenset({"datetime", "decimal", "fractions", "pandas", "pathlib", "uuid", "zoneinfo"})  # their modules
_DEEP = 50


def content(value: object) -> bytes | None:
    """Sixteen bytes for data; None for what is no data: functions, modules, objects with a life of their own."""
    state = blake2b(digest_size=16)
    try:
        return state.digest() if _feed(value, state.update, _DEEP) else None
    except Exception:  # noqa: BLE001 - a value that cannot be read cannot be compared
        return None


def _feed(value: Any, feed: Callable[[bytes], object], depth: int) -> bool:
    """Whether the value is data, all of it told to `feed`; the parts that are none are left out."""
    kind = type(value)
    feed(b"%d" % id(kind))  # not its name: another class may bear that
    if kind in _TEXTS or kind in _BYTES:
        feed(value if kind in _BYTES else repr(value).encode("utf-8", "surrogatepass"))
        return True
    if not depth:
        return False
    if kind in _CONTAINERS:
        return _feed_container(value, feed, depth)
    return _feed_table(value, feed, depth) or (_is_record(kind) and _feed_container(dict(vars(value)), feed, depth))


def _feed_table(value: Any, feed: Callable[[bytes], object], depth: int) -> bool:
    root = type(value).__module__.partition(".")[0]
    if root == "numpy" and hasattr(value, "dtype"):
        return _feed_array(value, feed, depth)
    if root == "pandas" and hasattr(value, "to_numpy"):
        return _feed_frame(value, feed, depth)
    if root in _SCALARS:
        feed(repr(value).encode("utf-8", "surrogatepass"))
        return True
    return False


def _feed_container(value: Any, feed: Callable[[bytes], object], depth: int) -> bool:
    feed(len(value).to_bytes(8))
    if isinstance(value, set | frozenset):
        total = 0
        for each in value:
            inner = blake2b(digest_size=8)
            _feed(each, inner.update, depth - 1)
            total ^= int.from_bytes(inner.digest())
        feed(total.to_bytes(8))
        return True
    if isinstance(value, dict):
        value = [part for pair in value.items() for part in pair]
    if set(map(type, value)) <= {int, float, str, bool, type(None)}:
        feed(repr(value).encode("utf-8", "surrogatepass"))
        return True
    for each in value:
        _feed(each, feed, depth - 1)
    return True


def _feed_array(value: Any, feed: Callable[[bytes], object], depth: int) -> bool:
    feed(f"{value.dtype}{getattr(value, 'shape', ())}".encode())
    if value.dtype.hasobject:
        return _feed_container(value.ravel().tolist(), feed, depth)
    whole = value.dtype.kind in "biufc" and bool(value.shape) and value.flags.c_contiguous
    feed(value.data if whole else value.tobytes())
    return True


def _feed_frame(value: Any, feed: Callable[[bytes], object], depth: int) -> bool:
    """A pandas DataFrame, Series or Index: labels, types and cells."""
    columns = getattr(value, "columns", None)
    parts = [value] if columns is None else [value.iloc[:, place] for place in range(len(columns))]
    index = getattr(value, "index", None)
    feed(repr([None if columns is None else list(columns), [str(part.dtype) for part in parts]]).encode())
    for part in parts if index is None else [index, *parts]:
        cells = part.to_numpy("datetime64[ns]") if part.dtype.kind == "M" else part.to_numpy()
        _feed_array(cells, feed, depth)
    return True


def _is_record(kind: type) -> bool:
    """A dataclass of fields only: no method of its own could change it on purpose."""
    return hasattr(kind, "__dataclass_fields__") and all(
        name.startswith("__") or not callable(value) for name, value in vars(kind).items()
    )
