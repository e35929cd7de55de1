"""Which node describes a value."""

from __future__ import annotations

import enum
from typing import Any

from . import containers, scalars
from .bases import of_subclass
from .exceptions import of_error
from .instances import of_instance, of_member
from .kind import Encoding, Node
from .libraries import LIBRARIES, library_of
from .plain_values import ATOMS

_EXACT: dict[int, Any] = {id(kind): of for kind, of in {**containers.DESCRIBE, **scalars.DESCRIBE}.items()}

_ATOMS = frozenset(map(id, ATOMS))


def describe(value: object, encoding: Encoding) -> Node:
    """The node of a value; what nothing describes stays on its side. Raises UnsendableError."""
    kind = type(value)
    if id(kind) in _ATOMS:
        return "=", value, ()
    number = encoding.sending.reference(value)
    if number is not None:
        return "reference", number, ()
    exact = _EXACT.get(id(kind))  # a metaclass may say that its class equals another
    node = _other(value, kind, encoding) if exact is None else exact(value, encoding)
    return ("handle", encoding.sending.handle(value), ()) if node is None else node


def _other(value: Any, kind: type, encoding: Encoding) -> Node | None:
    if issubclass(kind, BaseException):
        return of_error(value, encoding)
    if issubclass(kind, type):
        return scalars.of_type(value, encoding)
    if issubclass(kind, enum.Enum) and (member := of_member(value, encoding)) is not None:
        return member
    node = of_instance(value, encoding) or _of_library(value, kind, encoding)
    return of_subclass(value, encoding) if node is None else node


def _of_library(value: object, kind: type, encoding: Encoding) -> Node | None:
    name = library_of(kind)
    node: Node | None = None if name is None else LIBRARIES[name].describe(value, encoding)
    return node
