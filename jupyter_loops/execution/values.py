"""Data between examiner and kernel: JSON that both validate in the same way."""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Unequal(ValueError):
    """A value would not arrive as it was examined. The message is feedback for the model."""


def from_json(annotation: Any, content: Any) -> Any:
    """The typed value of JSON content. Raises pydantic.ValidationError."""
    return _adapter(annotation).validate_json(json.dumps(content))


def examined(annotation: Any, content: Any) -> Any:
    """As `from_json`, for the examiner. Raises Unequal if a second read would give another value."""
    value = from_json(annotation, content)
    if not same(value, from_json(annotation, content)):
        raise Unequal("its type makes a part of it anew each time: give every field in the JSON")
    return value


def to_json(annotation: Any, value: Any) -> Any:
    """JSON content from which `from_json` makes an equal value. Raises Unequal, with a reason, if there is none."""
    adapter = _adapter(annotation)
    try:
        content = json.loads(adapter.dump_json(value, by_alias=True))
        arrived = from_json(annotation, content)
    except ValueError as error:
        raise Unequal(f"it cannot be written as JSON and read again: {error!s:.300}") from error
    if not same(value, arrived):
        raise Unequal(f"as JSON it would arrive as {arrived!r:.120}, and not as {value!r:.120}")
    return content


def same(first: Any, second: Any) -> bool:
    """Whether two values are equal, NaN being equal to itself."""
    try:
        if type(first) is type(second) and bool(first == second):
            return True
        return pickle.dumps(first) == pickle.dumps(second)
    except Exception:  # noqa: BLE001  # whatever the user's class raises
        return False


@contextmanager
def typed_dicts() -> Iterator[None]:
    """Give a set-up the TypedDict of typing_extensions, because pydantic needs it before Python 3.12."""
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
