"""JSON → frozen values again: the way back from a history, by the values' own type hints.

A field that this version does not know is left out, one that the writer did not know has its default.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def rebuild(kind: type[T], value: Mapping[str, Any]) -> T:
    """A dataclass from its JSON. Raises TypeError or ValueError where a field is missing or cannot be read."""
    untyped: Any = kind
    hints = _hints(untyped)
    return kind(**{name: _value(hints[name], item) for name, item in value.items() if name in hints})


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _value(hint: Any, value: Any) -> Any:
    origin, inner = get_origin(hint), get_args(hint)
    if value is None or hint is Any:
        return value
    if origin in {Union, types.UnionType}:
        return _value(next(kind for kind in inner if kind is not types.NoneType), value)
    if origin in {list, tuple}:
        return origin(_value(inner[0], item) for item in value)
    if isinstance(hint, type) and is_dataclass(hint):
        return rebuild(hint, value)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    return value
