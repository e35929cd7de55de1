"""Values of Python as SQL takes them."""

from __future__ import annotations

import datetime as dt
import os
from collections import deque
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Any
from uuid import UUID

from jupyter_loops.errors import QueryError

_PLAIN = (type(None), bool, int, float, str, bytes, Decimal, dt.date, dt.time, dt.timedelta, UUID)
_SEVERAL = (list, tuple, set, frozenset, range, deque)


def bound(name: str, value: object) -> Any:
    """The value of `$name`, as DuckDB can bind it. Raises QueryError for what SQL has no type for."""
    if isinstance(value, Enum):
        return bound(name, value.value)
    if isinstance(value, _SEVERAL):
        return [bound(name, item) for item in value]
    if isinstance(value, Mapping):
        return {key: bound(name, item) for key, item in value.items()}
    for kind, convert in _CONVERSIONS:
        if isinstance(value, kind):
            return convert(value)
    return _of_a_library(name, value)


def _moment(value: dt.datetime) -> dt.datetime:
    """In UTC without a zone, as the history's own."""
    return value if value.tzinfo is None else value.astimezone(dt.UTC).replace(tzinfo=None)


_CONVERSIONS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (dt.datetime, _moment),
    (_PLAIN, lambda same: same),
    (os.PathLike, os.fspath),
    (Fraction, float),
    ((bytearray, memoryview), bytes),
)


def _of_a_library(name: str, value: Any) -> Any:
    """Scalars and columns of numpy, pandas, polars and Arrow."""
    kind = type(value)
    if kind.__name__ == "NAType":
        return None
    if _is_numpy_time(value):
        return bound(name, value.astype(f"{kind.__name__}[us]").item())
    for unpack in ("as_py", "item", "to_pylist", "to_list", "tolist"):
        several = unpack in {"to_pylist", "to_list", "tolist"}
        if hasattr(kind, unpack) and (several or len(getattr(value, "shape", ())) == 0):
            inner = getattr(value, unpack)()
            if type(inner) is not kind:
                return bound(name, inner)
    table = f"; a frame is a table, FROM {name}" if hasattr(kind, "columns") else ""
    raise QueryError(
        f"${name} is of type {kind.__name__}, and SQL takes numbers, texts, times and lists of them{table}"
    )


def _is_numpy_time(value: object) -> bool:
    return type(value).__module__ == "numpy" and type(value).__name__ in {"datetime64", "timedelta64"}
