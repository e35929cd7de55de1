"""Where two values part, for those that are too long to compare by eye. Made with difflib, as pytest does it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from difflib import ndiff
from itertools import islice
from typing import Any

_LONG = 60  # characters from which two differing texts get their first difference pointed out
_SEARCHED = 100_000  # characters in which a first difference is looked for
_LINES = 200  # of a text that is still compared line by line
_SHOWN = 6  # lines of a difference
_WIDE = 120  # characters of one of them
_DEEP = 20  # levels of nested values
_LABELS = 8  # of an axis that are shown
_ITEMS = 2000  # of one container that are compared

Describe = Callable[..., str]


def difference(value: object, expected: object, describe: Describe) -> str:
    """One clause that begins with `; `, or nothing where both can be read whole. Never raises."""
    try:
        if type(value) is str and type(expected) is str:
            return _of_texts(value, expected)
        if type(value) in {list, tuple, dict, set, frozenset} and type(value) is type(expected):
            return "".join(f"; {each}" for each in islice(_of_parts(value, expected, "", describe, _DEEP), 3))
        return _of_arrays(value, expected)
    except Exception:  # noqa: BLE001 - hostile values; the sentence stands without it
        return ""


def _of_texts(value: str, expected: str) -> str:
    if max(len(value), len(expected)) < _LONG or value == expected:
        return ""
    value, expected = value[:_SEARCHED], expected[:_SEARCHED]
    pairs = enumerate(zip(value, expected, strict=False))
    at = next((at for at, (a, b) in pairs if a != b), min(len(value), len(expected)))
    near = slice(max(0, at - 10), at + 20)
    said = f"; first difference at {at}: {value[near]!r} instead of {expected[near]!r}"
    wanted, given = expected.splitlines(), value.splitlines()
    if not 1 < min(len(wanted), len(given)) <= max(len(wanted), len(given)) <= _LINES:
        return said
    changed = [line[:_WIDE] for line in ndiff(wanted, given) if line[0] in "+-"]
    more = f"\n  … {len(changed) - _SHOWN} more lines differ" if len(changed) > _SHOWN else ""
    return said + "; by lines (- expected, + given):\n  " + "\n  ".join(changed[:_SHOWN]) + more


def _of_parts(value: object, expected: object, path: str, describe: Describe, depth: int) -> Iterator[str]:
    """What differs inside two containers of one type, the nearest first."""
    where = f"at {path}: " if path else ""
    if _has_shape(value) and _has_shape(expected):
        yield where + _of_arrays(value, expected)[2:]
    elif type(value) is not type(expected) or not depth or type(value) not in {list, tuple, dict, set, frozenset}:
        if value != expected:
            yield f"{where}{describe(value, _WIDE)} instead of {describe(expected, _WIDE)}"
    elif isinstance(value, dict) and isinstance(expected, dict):
        yield from _of_dicts(value, expected, path, describe, depth)
    elif isinstance(value, set | frozenset) and isinstance(expected, set | frozenset):
        yield from _surplus(value - expected, expected - value, path, describe)
    elif isinstance(value, list | tuple) and isinstance(expected, list | tuple):
        for at, (one, other) in enumerate(islice(zip(value, expected, strict=False), _ITEMS)):
            if _differ(one, other):
                yield from _of_parts(one, other, f"{path}[{at}]", describe, depth - 1)
        if len(value) != len(expected):
            yield f"{where}{len(value)} items instead of {len(expected)}"


def _of_dicts(
    value: dict[object, object], expected: dict[object, object], path: str, describe: Describe, depth: int
) -> Iterator[str]:
    for key in islice(expected, _ITEMS):
        if key in value and _differ(value[key], expected[key]):
            yield from _of_parts(value[key], expected[key], f"{path}[{describe(key, 40)}]", describe, depth - 1)
    yield from _surplus(value.keys() - expected.keys(), expected.keys() - value.keys(), path, describe)


def _surplus(more: AbstractSet[object], missing: AbstractSet[object], path: str, describe: Describe) -> Iterator[str]:
    where = f"at {path}: " if path else ""
    for word, some in (("lacks", missing), ("has besides", more)):
        if some:
            yield f"{where}{word} {', '.join(sorted(describe(each, 40) for each in islice(some, 5)))}"


def _has_shape(value: object) -> bool:
    shape = getattr(value, "shape", None)
    return type(shape) is tuple and bool(shape)


def _differ(one: object, other: object) -> bool:
    if _has_shape(one) and _has_shape(other):
        return bool(_of_arrays(one, other))
    return one is not other and bool(one != other)


def _of_arrays(value: Any, expected: Any) -> str:
    """Where two arrays or frames differ: in shape, in their labels, or the first of their cells."""
    if not (_has_shape(value) and _has_shape(expected)):
        return ""
    if value.shape != expected.shape:
        return f"; shape {value.shape} instead of {expected.shape}"
    for axis in ("columns", "index"):
        labels: list[Any] = [getattr(each, axis, None) for each in (value, expected)]
        if all(map(_has_shape, labels)) and not labels[0].equals(labels[1]):
            given, wanted = (list(islice(each, _LABELS)) for each in labels)
            return f"; {axis} {given} instead of {wanted}"
    unequal = (value != expected) & ~((value != value) & (expected != expected))  # noqa: PLR0124 - nan is no difference
    raw = getattr(unequal, "to_numpy", lambda: unequal)()
    places = raw.nonzero()
    count = len(places[0])
    if not count:
        return ""
    first = tuple(int(axis[0]) for axis in places)
    cells = [getattr(each, "to_numpy", lambda each=each: each)()[first] for each in (value, expected)]
    return f"; {count} of {raw.size} values differ, first at {list(first)}: {cells[0]!r} instead of {cells[1]!r}"
