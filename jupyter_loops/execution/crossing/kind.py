"""What the encoder and the decoder need of their sides, and how a kind of value is rebuilt."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from .classes import Classes
from .refusal import UnreadableError

Node = tuple[str, Any, Sequence[Any]]


class Sending(Protocol):
    """The side that has the value; nothing that it sends is trusted."""

    classes: Classes

    def reference(self, value: object) -> int | None:
        """The number of an object of the receiver's that this is, unchanged; None to send it by value."""

    def handle(self, value: object) -> object:
        """Registers an object that stays here; a plain description of it. May raise UnsendableError."""


class Receiving(Protocol):
    """The side that rebuilds the value."""

    classes: Classes

    def referred(self, number: int) -> object:
        """An object of this side by its number. Raises UnreadableError."""

    def handle(self, description: object) -> object:
        """A stand-in for an object that stays on the other side."""


# Not dataclasses: to import those costs a child 10 ms of its start.


class Encoding:
    """The state of one encoding."""

    __slots__ = ("causes", "sending")

    def __init__(self, sending: Sending) -> None:
        self.sending = sending
        self.causes: list[BaseException] = []  # sent without what caused them


class Decoding:
    """The state of one decoding."""

    __slots__ = ("receiving", "remaining")

    def __init__(self, receiving: Receiving, remaining: int) -> None:
        self.receiving, self.remaining = receiving, remaining

    def spend(self, size: int) -> None:
        """Raises UnreadableError once more bytes were copied than the limit allows."""
        self.remaining -= size
        if self.remaining < 0:
            raise UnreadableError("it is larger than allowed")


class ValueKind(NamedTuple):
    """How values of a tag are rebuilt; with `fill`, made empty first, since they may hold themselves.

    With `works`, code of a library works on what they hold: they stay where something of that stays.
    """

    make: Callable[[Any, list[Any], Decoding], object]
    fill: Callable[[Any, Any, list[Any], Decoding], None] | None = None
    works: bool = False


def imported(name: str) -> Any:
    """A library, which the receiver names."""
    return importlib.import_module(name)


def expect(value: Any, kind: type, what: str = "a payload") -> Any:
    """The value, of exactly this type. Raises UnreadableError."""
    if type(value) is not kind:
        raise UnreadableError(f"{what} is not {kind.__name__}")
    return value


def fields(payload: Any, *kinds: type) -> Any:
    """A payload that is a tuple of exactly these types. Raises UnreadableError."""
    if type(payload) is not tuple or tuple(map(type, payload)) != kinds:
        raise UnreadableError("a payload has the wrong shape")
    return payload


def count(children: Sequence[object], number: int) -> Sequence[Any]:
    """Exactly so many children. Raises UnreadableError."""
    if len(children) != number:
        raise UnreadableError("a node has the wrong number of children")
    return children
