"""The notebook's names, each in one line: what a model needs to use a value, without the value."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Collection, Mapping
from itertools import islice
from types import ModuleType
from typing import Any

from jupyter_loops.core.redaction import redact

_LONGEST = 160  # characters of a summary
_MOST = 12  # columns, keys or fields that are named
_PLAIN = (int, float, complex, bool, type(None))


def summarise(names: Mapping[str, object]) -> dict[str, str]:
    """Each name with one line about its value. Never raises, whatever the values do."""
    return {name: _clip(_summary(value)) for name, value in names.items()}


def _summary(value: Any) -> str:
    try:
        return _describe(value)
    except Exception:  # noqa: BLE001 - a user's object may raise anything when it is looked at
        return type(value).__name__


def _describe(value: Any) -> str:
    if isinstance(value, _PLAIN):
        return repr(value)
    if isinstance(value, ModuleType):
        return f"module {value.__name__}"
    if inspect.isclass(value):
        return f"class {value.__name__}{_fields(value)}"
    if inspect.isroutine(value):
        return f"function {value.__name__}{inspect.signature(value)}{_first_line(value)}"
    return _describe_object(value, type(value))


def _describe_object(value: Any, kind: type) -> str:
    if hasattr(value, "columns") and hasattr(value, "shape"):
        return _frame(value)
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"{kind.__name__} of {value.dtype}, shape {tuple(value.shape)}"
    if isinstance(value, Mapping):
        return f"{kind.__name__} with {len(value)} keys: {_listed(map(repr, value))}"
    if isinstance(value, str | bytes):
        return f"{kind.__name__} of length {len(value)}"
    if isinstance(value, Collection):
        inside = sorted({type(item).__name__ for item in islice(value, _MOST)})
        return f"{kind.__name__} of {len(value)} {' or '.join(inside)}".rstrip()
    return f"{kind.__name__}{_fields(kind)}"


def _frame(value: Any) -> str:
    rows, columns = value.shape
    dtypes = getattr(value, "dtypes", None)
    types = list(dtypes) if dtypes is not None else [field.type for field in value.schema]
    named = [f"{name} {dtype}" for name, dtype in zip(value.columns, types, strict=False)]
    return f"{type(value).__name__}, {rows} rows x {columns} columns: {_listed(named)}"


def _fields(kind: type) -> str:
    if dataclasses.is_dataclass(kind) or hasattr(kind, "model_fields"):
        return f"({_listed(inspect.signature(kind).parameters)})"
    return ""


def _first_line(value: Any) -> str:
    doc = inspect.getdoc(value)
    return f": {doc.splitlines()[0]}" if doc else ""


def _listed(items: Any) -> str:
    shown = [str(item) for item in items]
    return ", ".join(shown[:_MOST]) + (", …" if len(shown) > _MOST else "")


def _clip(text: str) -> str:
    text = " ".join(redact(text).split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
