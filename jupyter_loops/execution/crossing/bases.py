"""Instances of a candidate's own classes: the builtin value that is in them, read by the builtin type's own methods."""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable
from functools import lru_cache
from keyword import iskeyword
from typing import Any

from . import containers
from .kind import Encoding, Node, ValueKind
from .refusal import UnreadableError

_ATOMS: dict[int, Callable[[Any], Any]] = {  # by id: a metaclass may say that its class equals another
    id(int): int.__int__,
    id(float): float.__float__,
    id(str): str.__str__,
    id(bytes): lambda value: bytes.__getitem__(value, slice(None)),
}
_CONTAINERS = frozenset(
    map(id, (Counter, OrderedDict, defaultdict, deque, list, tuple, dict, set, frozenset, bytearray))
)
_MOST = 255  # fields


def of_subclass(value: object, encoding: Encoding) -> Node | None:
    """The builtin value in an instance of a subclass, or None where there is none."""
    for kind in type(value).__mro__:
        if id(kind) in _ATOMS:
            return "=", _ATOMS[id(kind)](value), ()
        if kind is complex:
            exact: complex = complex.__pos__(value)  # type: ignore[arg-type]
            return "complex", (exact.real, exact.imag), ()
        if kind is tuple and (names := _field_names(value)):
            return "namedtuple", names, list(tuple.__iter__(value))  # type: ignore[arg-type]
        if id(kind) in _CONTAINERS:
            node: Node | None = containers.DESCRIBE[kind](value, encoding)
            return node
    return None


def _field_names(value: Any) -> tuple[str, ...] | None:
    for kind in type(value).__mro__:
        names = vars(kind).get("_fields")
        if type(names) is tuple and len(names) == tuple.__len__(value) and _are_fields(names):
            name = type(value).__name__
            return (name if _is_field(name) else "Row", *names)
    return None


def _is_field(name: object) -> bool:
    return type(name) is str and name.isidentifier() and not iskeyword(name) and not name.startswith("_")


def _are_fields(names: tuple[object, ...]) -> bool:
    return 0 < len(names) <= _MOST and all(map(_is_field, names)) and len(set(names)) == len(names)


@lru_cache(256)
def _class(name: str, *names: str) -> Any:
    return namedtuple(name, names)  # noqa: PYI024


def _make_namedtuple(payload: Any, children: list[Any], _: object) -> object:
    if type(payload) is not tuple or not payload or not _is_field(payload[0]) or not _are_fields(payload[1:]):
        raise UnreadableError("the fields of a namedtuple are none")
    return _class(*payload)(*children)


KINDS = {"namedtuple": ValueKind(_make_namedtuple)}
