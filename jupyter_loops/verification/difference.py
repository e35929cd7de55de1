"""Where two values that are too long to compare by eye differ. Uses difflib, as pytest does."""

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
_DEEP = 20  # levels of nested values that are compared
_LABELS = 8  # of an axis that are shown
_ITEMS = 2000  # of one container that are compared

Describe = Callable[..., str]


def difference(value: object, expected: object, describe: Describe) -> str:
    """One clause that begins with `; `, or nothing where both values are short. Never raises."""
    try:
        if type(value) is str and type(expected) is str:
            return _of_texts(value, expected)
        if type(value) in {list, tuple, dict, set, frozenset} and type(value) is type(expected):
            return "".join(f"; {clause}" for clause in islice(_of_parts(value, expected, "", describe, _DEEP), 3))
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
    clause = f"; first difference at {at}: {value[near]!r} instead of {expected[near]!r}"
    expected_lines, value_lines = expected.splitlines(), value.splitlines()
    if not 1 < min(len(expected_lines), len(value_lines)) <= max(len(expected_lines), len(value_lines)) <= _LINES:
        return clause
    changed = [line[:_WIDE] for line in ndiff(expected_lines, value_lines) if line[0] in "+-"]
    more = f"\n  … {len(changed) - _SHOWN} more lines differ" if len(changed) > _SHOWN else ""
    return clause + "; by lines (- expected, + given):\n  " + "\n  ".join(changed[:_SHOWN]) + more


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
        for at, (value_item, expected_item) in enumerate(islice(zip(value, expected, strict=False), _ITEMS)):
            if _differ(value_item, expected_item):
                yield from _of_parts(value_item, expected_item, f"{path}[{at}]", describe, depth - 1)
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
    for word, items in (("lacks", missing), ("has besides", more)):
        if items:
            yield f"{where}{word} {', '.join(sorted(describe(item, 40) for item in islice(items, 5)))}"


def _has_shape(value: object) -> bool:
    shape = getattr(value, "shape", None)
    return type(shape) is tuple and bool(shape)


def _differ(value: object, expected: object) -> bool:
    if _has_shape(value) and _has_shape(expected):
        return bool(_of_arrays(value, expected))
    return value is not expected and bool(value != expected)


def _of_arrays(value: Any, expected: Any) -> str:
    """Where two arrays or frames differ: in shape, in their labels, or the first of their cells."""
    if not (_has_shape(value) and _has_shape(expected)):
        return ""
    if value.shape != expected.shape:
        return f"; shape {value.shape} instead of {expected.shape}"
    for axis in ("columns", "index"):
        labels: list[Any] = [getattr(array, axis, None) for array in (value, expected)]
        if all(map(_has_shape, labels)) and not labels[0].equals(labels[1]):
            value_labels, expected_labels = (list(islice(axis_labels, _LABELS)) for axis_labels in labels)
            return f"; {axis} {value_labels} instead of {expected_labels}"
    unequal = (value != expected) & ~((value != value) & (expected != expected))  # noqa: PLR0124 - nan is no difference
    raw = getattr(unequal, "to_numpy", lambda: unequal)()
    places = raw.nonzero()
    count = len(places[0])
    if not count:
        return ""
    first = tuple(int(axis[0]) for axis in places)
    cells = [getattr(array, "to_numpy", lambda array=array: array)()[first] for array in (value, expected)]
    return f"; {count} of {raw.size} values differ, first at {list(first)}: {cells[0]!r} instead of {cells[1]!r}"
