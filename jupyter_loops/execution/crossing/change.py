"""Copy-restore: whether an object has changed, and how an original takes over the content of a rebuilt copy."""

from __future__ import annotations

import io
from array import array
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from typing import Any

from .arrays import takes_over
from .containers import FACTORY, flat
from .instances import attributes_of, base_of, slots_of
from .libraries import LIBRARIES, library_of
from .refusal import UnreadableError

Pair = Callable[[Any, Any], bool]
_FILES = (io.StringIO, io.BytesIO)
_MAPPINGS: tuple[type, ...] = (Counter, OrderedDict, defaultdict, dict)
_SEQUENCES = (list, bytearray, array, deque)


def put_back(target: object, new: object) -> None:
    """Gives an object the content of another of its type, in place. Raises UnreadableError where that cannot be."""
    if type(target) is not type(new) and not (library_of(type(target)) == "numpy" and takes_over(target, new)):
        raise UnreadableError(f"a {type(target).__name__} cannot become a {type(new).__name__} in place")
    try:
        _put_back(target, new)
    except UnreadableError:
        raise
    except Exception as error:  # noqa: BLE001
        raise UnreadableError(f"a {type(target).__name__} cannot be changed in place ({error})") from None


def same(value: Any, other: Any, pair: Pair) -> bool:
    """Whether two objects have the same content; `pair` compares two objects inside them."""
    if type(value) is not type(other):
        return False
    library = library_of(type(value))
    if library is not None and (result := LIBRARIES[library].same(value, other, pair)) is not None:
        return bool(result)
    if isinstance(value, _FILES):
        return bool(value.getvalue() == other.getvalue() and value.tell() == other.tell())
    return _same_items(value, other, pair) and _same_state(value, other, pair)


def same_items(values: Iterable[Any], others: Iterable[Any], pair: Pair) -> bool:
    """Whether items are equal one by one: atoms by type and value, others by `pair`."""
    first, second = list(values), list(others)
    if len(first) != len(second):
        return False
    if flat(first) and flat(second):
        return _same_atoms(first, second)
    return all(_same_atoms([x], [y]) if flat((x, y)) else pair(x, y) for x, y in zip(first, second, strict=True))


def _same_atoms(first: list[Any], second: list[Any]) -> bool:
    kinds = list(map(type, first))
    if kinds != list(map(type, second)):
        return False
    if float not in kinds:
        return first == second
    first_floats, second_floats = (array("d", [x for x in side if type(x) is float]) for side in (first, second))
    if first_floats.tobytes() != second_floats.tobytes():  # NaN is itself, and -0.0 is not 0.0
        return False
    return [x for x in first if type(x) is not float] == [x for x in second if type(x) is not float]


def _same_items(value: Any, other: Any, pair: Pair) -> bool:
    base = base_of(type(value))
    if isinstance(value, defaultdict) and FACTORY.__get__(value) is not FACTORY.__get__(other):
        return False
    if base in _MAPPINGS:
        first, second = list(base.items(value)), list(base.items(other))
        keys = same_items((key for key, _ in first), (key for key, _ in second), pair)
        return keys and same_items((item for _, item in first), (item for _, item in second), pair)
    if base in {set, frozenset}:
        return _same_set(list(base.__iter__(value)), list(base.__iter__(other)), pair)
    if base in {list, deque, tuple}:
        return same_items(base.__iter__(value), base.__iter__(other), pair)
    if isinstance(value, bytearray | array):
        return bytes(memoryview(value)) == bytes(memoryview(other))
    return base is object or _same_atoms([value], [other])


def _same_set(first: list[Any], second: list[Any], pair: Pair) -> bool:
    if flat(first) and flat(second):
        return {(type(x), x) for x in first} == {(type(y), y) for y in second}
    return same_items(first, second, pair)


def _same_state(value: Any, other: Any, pair: Pair) -> bool:
    first, second = _state(value), _state(other)
    return first.keys() == second.keys() and same_items(first.values(), (second[name] for name in first), pair)


def _state(value: Any) -> dict[str, Any]:
    filled = {}
    for name, slot in slots_of(type(value)).items():
        try:
            filled[name] = slot.__get__(value)
        except AttributeError:
            continue
    return {**filled, **attributes_of(value)}


def _put_back(target: Any, new: Any) -> None:
    library = library_of(type(target))
    if library is not None and LIBRARIES[library].put_back(target, new):
        return
    if isinstance(target, _FILES):
        _put_file(target, new)
        return
    _put_items(target, new)
    for slot in slots_of(type(target)).values():
        _put_slot(target, new, slot)
    attributes = attributes_of(target)
    attributes.clear()
    attributes.update(attributes_of(new))


def _put_items(target: Any, new: Any) -> None:
    if isinstance(target, defaultdict):
        FACTORY.__set__(target, FACTORY.__get__(new))
    if isinstance(target, dict):
        base = OrderedDict if isinstance(target, OrderedDict) else dict
        base.clear(target)
        for key, value in list(base.items(new)):
            base.__setitem__(target, key, value)
    elif isinstance(target, set):
        set.clear(target)
        set.update(target, set.__iter__(new))
    elif isinstance(target, deque):
        deque.clear(target)
        deque.extend(target, deque.__iter__(new))
    elif isinstance(target, list | bytearray | array):
        base_of_sequence: Any = next(kind for kind in _SEQUENCES if isinstance(target, kind))
        base_of_sequence.__setitem__(target, slice(None), base_of_sequence.__getitem__(new, slice(None)))


def _put_slot(target: Any, new: Any, slot: Any) -> None:
    try:
        value = slot.__get__(new)
    except AttributeError:
        if hasattr(target, slot.__name__):
            slot.__delete__(target)
    else:
        slot.__set__(target, value)


def _put_file(target: Any, new: Any) -> None:
    target.seek(0)
    target.truncate()
    target.write(new.getvalue())
    target.seek(new.tell())
