"""Data on its way between examiner and kernel: JSON, validated by both in the same way."""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Unequal(ValueError):
    """A value would not arrive as it was examined; the message is feedback."""


def from_json(annotation: Any, content: Any) -> Any:
    """The value of a type that JSON content stands for. Raises pydantic.ValidationError."""
    return _adapter(annotation).validate_json(json.dumps(content))


def examined(annotation: Any, content: Any) -> Any:
    """As `from_json`, for the examiner. Raises Unequal for what would be another value when it is read again."""
    value = from_json(annotation, content)
    if not same(value, from_json(annotation, content)):
        raise Unequal("its type makes a part of it anew each time: give every field in the JSON")
    return value


def to_json(annotation: Any, value: Any) -> Any:
    """JSON content from which `from_json` makes an equal value. Raises Unequal, with a reason, where there is none."""
    adapter = _adapter(annotation)
    try:
        content = json.loads(adapter.dump_json(value, by_alias=True))
        arrived = from_json(annotation, content)
    except ValueError as error:
        raise Unequal(f"it cannot be written as JSON and read again: {error!s:.300}") from error
    if not same(value, arrived):
        raise Unequal(f"as JSON it would arrive as {arrived!r:.120}, and not as {value!r:.120}")
    return content


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal, NaN being equal to itself."""
    try:
        if type(one) is type(other) and bool(one == other):
            return True
        return pickle.dumps(one) == pickle.dumps(other)
    except Exception:  # noqa: BLE001  # whatever the user's class raises
        return False


@contextmanager
def typed_dicts() -> Iterator[None]:
    """Before Python 3.12, pydantic reads only the TypedDict of typing_extensions; let a set-up get that one."""
    import typing

    before = typing.TypedDict
    if sys.version_info < (3, 12):
        from typing_extensions import TypedDict

        typing.TypedDict = TypedDict
    try:
        yield
    finally:
        typing.TypedDict = before


def _adapter(annotation: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(annotation)
