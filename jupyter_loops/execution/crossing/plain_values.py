"""Plain values to bytes and back, at the speed of the C pickler; nothing but plain values can be built by the bytes."""

from __future__ import annotations

import _pickle
import io
import pickle
from typing import Any, NoReturn

from .opcodes import check
from .refusal import NotPlainError, UnreadableError

ATOMS = frozenset({type(None), bool, int, float, str, bytes})
_PROTOCOL = 5


def dumps(value: object) -> bytes:
    """A plain value as bytes. Raises NotPlainError for anything that is not exactly a builtin atom or container."""
    file = io.BytesIO()
    try:
        _Pickler(file, _PROTOCOL, buffer_callback=_refuse_buffer).dump(value)
    except NotPlainError:
        raise
    except (RecursionError, RuntimeError, ValueError, OverflowError, pickle.PicklingError) as error:
        raise NotPlainError(f"{type(error).__name__}: {error}") from None
    return file.getvalue()


def loads(data: bytes | bytearray) -> Any:
    """The plain value in some bytes. Raises UnreadableError, and nothing else, whatever the bytes are."""
    try:
        check(data)
        return _Unpickler(io.BytesIO(data)).load()
    except UnreadableError:
        raise
    except Exception as error:  # noqa: BLE001
        raise UnreadableError(f"not a plain value ({type(error).__name__}: {str(error)[:100]})") from None


class _Pickler(_pickle.Pickler):
    def reducer_override(self, value: object) -> NoReturn:
        raise NotPlainError(f"{type(value).__name__} is not a plain type")


class _Unpickler(_pickle.Unpickler):
    def find_class(self, _module: str, _name: str, /) -> NoReturn:
        raise UnreadableError("it names a class")

    def persistent_load(self, _: object, /) -> NoReturn:
        raise UnreadableError("it names an object")


def _refuse_buffer(_: object) -> NoReturn:
    raise NotPlainError("PickleBuffer is not a plain type")
