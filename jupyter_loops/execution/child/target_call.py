"""The arguments of one call: its objects by their places in the message, and which of them have changed."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cached_property
from types import FunctionType, ModuleType
from typing import Any

from jupyter_loops.execution.crossing import generators
from jupyter_loops.execution.crossing.change import same

from .arguments import ArgumentUnpickler, Reference

_FIXED = (str, bytes, int, float, complex, bool, type(None), type, FunctionType, ModuleType, tuple, frozenset)
_ARRAYS = frozenset({"numpy", "pandas", "polars", "pyarrow"})
_STANDALONE = frozenset({"ndarray", "MaskedArray", "recarray", "matrix", "memmap", "DataFrame", "Series"})
_VIEWS = 8  # of one memory
_WATCHED = 1 << 16  # bytes of arguments up to which a call that returns something is looked at for changes


class TargetCall:
    """The arguments of one call, for as long as its results live."""

    def __init__(self, number: int, frame: bytes, objects: dict[int, Any], load: Callable[[Reference], object]) -> None:
        self.number, self._frame, self._load = number, frame, load
        self._objects = objects
        self.outer: TargetCall | None = None  # the call that made the object that is called now
        self.has_handles = False
        kinds = generators.kinds()
        self._drawn = {place: generators.state_of(value) for place, value in objects.items() if type(value) in kinds}
        self.captured: dict[str, Any] = {}  # what it printed and warned, where the check captures that

    @cached_property
    def places(self) -> dict[int, int]:
        """The id of each of its objects that has an identity → its place."""
        return {id(value): place for place, value in self._objects.items() if not isinstance(value, _FIXED)}

    def changed(self) -> list[int]:
        """Places of objects whose content has changed since they arrived."""
        behind = set(map(_memory_of, self._objects.values()))
        now = ((place, self._objects[place]) for key, place in self.places.items() if key not in behind)
        return [
            place for place, value in now if _is_standalone(value) and not same(value, self._before[place], self._pair)
        ]

    def drawn(self) -> list[tuple[int, object]]:
        """Places and states of the random number generators that have advanced."""
        now = ((place, generators.state_of(self._objects[place])) for place in self._drawn)
        return [(place, state) for place, state in now if state != self._drawn[place]]

    def is_unchanged(self, value: object, visited: set[int] | None = None) -> bool:
        """Whether one of its objects, and everything in it, is unchanged."""
        visited, place = set() if visited is None else visited, self.places[id(value)]
        if place in visited:
            return True
        visited.add(place)

        def pair(now: object, then: object) -> bool:
            return self._pair(now, then) and (id(now) not in self.places or self.is_unchanged(now, visited))

        return same(value, self._before[place], pair)

    def at(self, place: int) -> Any:
        """One of its objects."""
        return self._objects[place]

    @property
    def is_small(self) -> bool:
        """Whether it costs little to look for changes."""
        return len(self._frame) < _WATCHED

    def _pair(self, now: object, then: object) -> bool:
        return self.places.get(id(now), -1) == self._original_places.get(id(then), -2) or now is then

    @cached_property
    def _before(self) -> dict[int, Any]:
        return read(self._frame, self._load)[1]

    @cached_property
    def _original_places(self) -> dict[int, int]:
        return {id(value): place for place, value in self._before.items()}


def read(frame: bytes, load: Callable[[Reference], object]) -> tuple[Any, dict[int, Any]]:
    """A message, and the objects in it by their places."""
    unpickler: Any = ArgumentUnpickler(io.BytesIO(frame), load)
    return unpickler.load(), unpickler.memo.copy()


def _memory_of(value: Any) -> int:
    """The id of what holds the memory of an array, which changes with it; 0 of others."""
    for _ in range(_VIEWS):  # a masked array's base is always another one
        if type(value).__module__ == "numpy" and type(value).__name__ == "ndarray" and value.base is not None:
            value = value.base
    return id(value.obj) if isinstance(value, memoryview) else 0


def _is_standalone(value: object) -> bool:
    """Whether its changes count for itself, not for the frame that it is a part of."""
    kind = type(value)
    return kind.__module__.partition(".")[0] not in _ARRAYS or kind.__name__ in _STANDALONE
