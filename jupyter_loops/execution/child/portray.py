"""A value as a text that a judge or a person can read, even if the value is hostile."""

from __future__ import annotations

import json
from typing import Any

from .value_text import clip, describe, kind

LIMIT = 20_000  # characters
_ROWS = 30  # of a table
_JSON = (dict, list, tuple, set, frozenset, int, float, str)
TEXT, JSON, CODE, TABLE, REPR = "text", "json", "code", "table", "repr"


def portray(value: object) -> tuple[str, str]:
    """The form of the text, and the text, clipped with the cut marked; never raises."""
    try:
        how, words = _portray(value)
        return how, clip(words, LIMIT)
    except BaseException:  # noqa: BLE001 - a hostile value may raise anything, SystemExit too
        return REPR, describe(value, LIMIT)


def _portray(value: object) -> tuple[str, str]:
    if type(value) is str:
        return TEXT, value
    if isinstance(value, type) or hasattr(value, "__code__"):
        return CODE, _code(value)
    if hasattr(value, "to_csv") and hasattr(value, "dtypes"):
        return TABLE, _table(value)
    if value is None or isinstance(value, _JSON) or _is_record(value):
        return JSON, json.dumps(_plain(value), indent=2, ensure_ascii=False, default=_plain)
    return REPR, describe(value, LIMIT)


def _is_record(value: object) -> bool:
    return hasattr(value, "__dataclass_fields__") or callable(getattr(value, "model_dump", None))


def _plain(value: Any) -> Any:
    """A value as JSON, one level deep; what JSON does not have is described."""
    if callable(getattr(value, "model_dump", None)):
        return value.model_dump(mode="json")
    if hasattr(value, "__dataclass_fields__"):
        return {name: getattr(value, name) for name in value.__dataclass_fields__}
    if isinstance(value, set | frozenset):
        return sorted(map(describe, value))
    return value if value is None or isinstance(value, _JSON) else describe(value)


def _table(value: Any) -> str:
    head = value.head(_ROWS).to_csv(index=False)
    more = f"... {len(value) - _ROWS} more rows\n" if len(value) > _ROWS else ""
    return f"{describe(value)}\n\n{head}{more}"


def _code(value: Any) -> str:
    import inspect

    try:
        return inspect.getsource(value)
    except (OSError, TypeError):
        return f"<{kind(value)} {describe(value)}, without source>"
