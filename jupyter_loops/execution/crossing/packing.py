"""Values from one trusted process to another: no references, no handles, no classes of the user's."""

from __future__ import annotations

from typing import Any, NoReturn

from .classes import Classes
from .graph import decode, encode
from .plain_values import dumps, loads
from .refusal import NotPlainError, UnreadableError, UnsendableError


class _Packing:
    classes = Classes()

    def reference(self, _: object) -> None:
        return None

    def handle(self, value: object) -> NoReturn:
        kind = type(value)
        raise UnsendableError(f"a {kind.__module__}.{kind.__qualname__} cannot be delivered as data")


class _Unpacking:
    classes = Classes()

    def referred(self, _: int) -> NoReturn:
        raise UnreadableError("it refers to an object that is not here")

    def handle(self, _: object) -> NoReturn:
        raise UnreadableError("it stayed on the other side")


def pack(value: object) -> bytes:
    """A value as bytes. Raises UnsendableError, with a reason that its maker can act on."""
    try:
        return dumps((value,))
    except NotPlainError:
        return dumps(encode(value, _Packing()))


def unpack(data: bytes | bytearray) -> Any:
    """The value in some bytes. Raises UnreadableError."""
    arrived = loads(data)
    if type(arrived) is tuple and len(arrived) == 1:
        return arrived[0]
    return decode(arrived, _Unpacking())
