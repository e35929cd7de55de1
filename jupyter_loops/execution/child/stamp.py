"""Whether a dict was changed since the last look, without a look at what is in it.

CPython numbers all changes of all dicts, and each dict carries the number of its last one. Reading it touches one
word; comparing a dict's values touches each of them, which in a fork copies the page that each is on. Where a Python
does not number them, nothing is known and everything is compared.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

Stamp = Callable[[int], object]  # of 0: equal results mean that nothing was changed in between

_WORD = 8
_PLACE = 3 * _WORD  # after reference count, type and length
_KIND = _WORD  # of the type, after the reference count


def stamp(table: Mapping[str, object]) -> Stamp:
    """Of a dict, or of the proxy of a class's dict."""
    return _number(table if type(table) is dict else gc.get_referents(table)[0]) if _NUMBERED else _unknown


def kind(thing: object) -> Stamp:
    """Of an object's class, which a module may change."""
    return _number(thing, _KIND) if _NUMBERED else lambda _: id(type(thing))


def has_stamps() -> bool:
    """Whether a stamp can stay the same at all."""
    return _NUMBERED


def _unknown(_: int) -> object:
    """Never equal to what it was."""
    return object()


def _number(thing: object, place: int = _PLACE) -> Stamp:
    from ctypes import c_uint64

    word = c_uint64.from_address(id(thing) + place)
    return memoryview(word).cast("B").cast("Q").__getitem__  # in C, of a type that nobody can change


def _is_numbered() -> bool:
    """Whether this Python numbers changes, those by its specialised instructions among them."""
    try:
        made, module = type("Made", (), {}), ModuleType("module")
        if _number(module, _KIND)(0) != id(ModuleType):
            return False
        tables: list[Any] = [{"a": 1}, vars(module), gc.get_referents(vars(made))[0]]
        numbers = [_number(table) for table in tables]
        for n in range(64):  # enough for the interpreter to specialise the stores
            before = [number(0) for number in numbers]
            if before != [number(0) for number in numbers]:
                return False
            tables[0]["a"], module.a, made.a = object(), n, object()  # type: ignore[attr-defined]
            if any(number(0) == was for number, was in zip(numbers, before, strict=True)):
                return False
        before_all = [numbers[0](0)]
        for change in _CHANGES:
            change(tables[0])
            before_all.append(numbers[0](0))
        return len(set(before_all)) == len(before_all)
    except Exception:  # noqa: BLE001 - no ctypes, or dicts that are laid out otherwise
        return False


_CHANGES: tuple[Callable[[dict[str, object]], object], ...] = (
    lambda table: table.update(b=1),
    lambda table: table.pop("b"),
    lambda table: table.setdefault("c", 1),
    lambda table: table.__delitem__("c"),
    lambda table: table.__ior__({"a": 2}),
    lambda table: table.popitem(),
    lambda table: table.__setitem__("d", 1),
    lambda table: table.clear(),
)
_NUMBERED = _is_numbered()
