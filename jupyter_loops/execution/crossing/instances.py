"""Instances of classes that both sides have: rebuilt from their state, by no method of the class."""

from __future__ import annotations

import enum
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from types import ClassMethodDescriptorType, FunctionType, GetSetDescriptorType, MemberDescriptorType
from typing import Any, TypeVar

from .kind import Decoding, Encoding, Node, ValueKind
from .refusal import UnreadableError, UnsendableError

_Function = TypeVar("_Function", bound=Callable[..., object])
_VALUES: tuple[type, ...] = (int, float, complex, str, bytes, tuple, frozenset)  # these are made with their content
_FILLED: tuple[type, ...] = (Counter, OrderedDict, dict, list, set, deque)
_BEHAVIOUR = (FunctionType, classmethod, staticmethod, property, ClassMethodDescriptorType, GetSetDescriptorType)
_PLAIN: dict[Any, Any] = {
    int: int.__int__,
    float: float.__float__,
    complex: complex.__pos__,
    str: str.__str__,
    bytes: lambda value: bytes.__getitem__(value, slice(None)),
}
_ITEMS: dict[type, Any] = {
    **{kind: kind.__iter__ for kind in (tuple, frozenset, list, set, deque)},
    **{
        kind: (lambda value, kind=kind: [element for pair in kind.items(value) for element in pair])
        for kind in _FILLED[:3]
    },
}


def of_member(value: enum.Enum, encoding: Encoding) -> Node | None:
    """A member of an enumeration of the table: by its name, or the value of combined flags."""
    number = encoding.sending.classes.number(type(value))
    if number is None:
        return None
    name = value._name_
    return "member", (number, name if type(value).__members__.get(name or "") is value else value._value_), ()


def of_instance(value: object, encoding: Encoding) -> Node | None:
    """An instance of a class of the table that may be rebuilt."""
    kind, classes = type(value), encoding.sending.classes
    number = classes.number(kind)
    if number is None or not classes.rebuilds(kind) or not _is_constructible(kind):
        return None
    base = base_of(kind)
    state = state_of(value, kind)
    names, contents = tuple(state), list(state.values())
    if base in _PLAIN:
        return "valued", [number, _PLAIN[base](value), *names], contents
    items = [] if base is object else list(_ITEMS[base](value))
    return ("valued" if base in _VALUES else "instance"), [number, None, *names], [*contents, *items]


def _cached(function: _Function) -> _Function:
    return lru_cache(8192)(function)  # type: ignore[return-value]


@_cached
def base_of(kind: Any) -> Any:
    """The builtin class that a class extends, or object."""
    return next((base for base in kind.__mro__ if base in _VALUES or base in _FILLED), object)


@_cached
def _is_constructible(kind: Any) -> bool:
    base = base_of(kind)
    try:
        base.__new__(kind)
    except TypeError:
        return False
    return True


def state_of(value: object, kind: type) -> dict[str, object]:
    """What is in the slots and the dictionary of an instance. Raises UnsendableError for what replaces a method."""
    state = {}
    for name, slot in slots_of(kind).items():
        try:
            state[name] = slot.__get__(value)
        except AttributeError:
            continue
    for name, attribute in attributes_of(value).items():
        behaviour = behaviour_of(kind, name)
        if isinstance(behaviour, cached_property) or is_special(name):
            continue
        if behaviour is not None:
            raise UnsendableError(f"{kind.__qualname__}.{name} is set on the instance, over what its class defines")
        state[name] = attribute
    return state


def attributes_of(value: object) -> dict[str, object]:
    """The dictionary of an instance, or an empty one."""
    try:
        return object.__getattribute__(value, "__dict__")  # type: ignore[no-any-return]
    except AttributeError:
        return {}


@_cached
def slots_of(kind: Any) -> dict[str, Any]:
    """Slots by place of their class and name: a subclass may have one of the same name."""
    slots: dict[str, Any] = {}
    for depth, base in enumerate(kind.__mro__[:-1]):
        if "__slots__" in vars(base):
            members = {name: slot for name, slot in vars(base).items() if isinstance(slot, MemberDescriptorType)}
            slots.update((f"{depth} {name}", slot) for name, slot in members.items())
    return slots


@_cached
def behaviour_of(kind: type, name: str) -> object:
    """What a class defines under a name that an instance must not replace."""
    member = next((vars(base)[name] for base in kind.__mro__ if name in vars(base)), None)
    return member if isinstance(member, (*_BEHAVIOUR, cached_property)) else None


def _named(payload: Any, decoding: Decoding) -> tuple[type, list[str], Any]:
    if type(payload) is not list or len(payload) < 2:  # noqa: PLR2004
        raise UnreadableError("an instance has no class")
    number, content, *names = payload
    kind = decoding.receiving.classes.at(number)
    if set(map(type, names)) - {str} or not decoding.receiving.classes.rebuilds(kind):
        raise UnreadableError(f"{kind.__qualname__} is not rebuilt")
    return kind, names, content


def is_special(name: str) -> bool:
    """Whether a name is of a protocol: NumPy reads memory where an instance's `__array_interface__` points."""
    return name.startswith("__") and name.endswith("__")


def restore_state(target: object, kind: type, names: Sequence[str], values: list[object]) -> None:
    """Puts state back into an instance. Raises UnreadableError for what would replace a method."""
    slots = slots_of(kind)
    for name, value in zip(names, values, strict=True):
        if name in slots:
            slots[name].__set__(target, value)
        elif " " in name or is_special(name) or behaviour_of(kind, name) is not None:
            raise UnreadableError(f"{kind.__qualname__} has no state of that name")
        else:
            object.__getattribute__(target, "__dict__")[name] = value


def _make_instance(payload: Any, _: list[Any], decoding: Decoding) -> object:
    kind, _names, _content = _named(payload, decoding)
    base = base_of(kind)
    if base in _VALUES:
        raise UnreadableError("it is made with its content")
    instance: object = base.__new__(kind)
    return instance


def _fill_instance(target: Any, payload: Any, children: list[Any], decoding: Decoding) -> None:
    kind, names, _ = _named(payload, decoding)
    restore_state(target, kind, names, children[: len(names)])
    _put_items(target, base_of(kind), children[len(names) :])


def _put_items(target: Any, base: Any, items: list[Any]) -> None:
    if base in {list, deque}:
        base.extend(target, items)
    elif base is set:
        base.update(target, items)
    elif base is object and items:
        raise UnreadableError("it has no items")
    elif base is not object:
        for key, value in zip(items[::2], items[1::2], strict=True):
            base.__setitem__(target, key, value)


def _make_valued(payload: Any, children: list[Any], decoding: Decoding) -> object:
    kind, names, content = _named(payload, decoding)
    base, items = base_of(kind), children[len(names) :]
    if base in {tuple, frozenset}:
        instance = base.__new__(kind, _of_length(kind, items))
    elif base in _PLAIN and type(content) is base and not items:
        instance = base.__new__(kind, content)
    else:
        raise UnreadableError("it has no such content")
    restore_state(instance, kind, names, children[: len(names)])
    return instance


def _of_length(kind: Any, items: list[Any]) -> list[Any]:
    if hasattr(kind, "_fields") and len(kind._fields) != len(items):
        raise UnreadableError(f"{kind.__qualname__} has other fields")
    return items


def _make_member(payload: Any, _: list[Any], decoding: Decoding) -> object:
    number, value = payload if type(payload) is tuple and len(payload) == 2 else (None, None)  # noqa: PLR2004
    kind: Any = decoding.receiving.classes.at(number)  # type: ignore[arg-type]
    if not issubclass(kind, enum.Enum) or type(value) not in {str, int}:
        raise UnreadableError("it is no member")
    if type(value) is int and not issubclass(kind, enum.Flag):
        raise UnreadableError("it is no member")
    return kind(value) if type(value) is int else kind.__members__[value]


KINDS = {
    "instance": ValueKind(_make_instance, _fill_instance),
    "valued": ValueKind(_make_valued),
    "member": ValueKind(_make_member),
}
