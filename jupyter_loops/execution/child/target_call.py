"""What one call was handed: its objects by their places in the message, and which of them it has changed since."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cached_property
from types import FunctionType, ModuleType
from typing import Any

from jupyter_loops.execution.crossing import generators
from jupyter_loops.execution.crossing.change import same

from .arguments import ArgumentUnpickler, Described

_FIXED = (str, bytes, int, float, complex, bool, type(None), type, FunctionType, ModuleType, tuple, frozenset)
_ARRAYS, _WHOLE = frozenset({"numpy", "pandas", "polars", "pyarrow"}), frozenset({"ndarray", "DataFrame", "Series"})
_VIEWS = 8  # of one memory
_WATCHED = 1 << 16  # bytes of arguments up to which a call that returns something is looked at for changes


class TargetCall:
    """What is known of one call's arguments, for as long as what came of it lives."""

    def __init__(self, number: int, frame: bytes, objects: dict[int, Any], load: Callable[[Described], object]) -> None:
        self.number, self._frame, self._load = number, frame, load
        self._objects = objects
        self.outer: TargetCall | None = None  # in which the object was made that is called now
        self.has_handles = False
        known = generators.kinds()
        self._drawn = {place: generators.state_of(each) for place, each in objects.items() if type(each) in known}
        self.heard: dict[str, Any] = {}  # what it has printed and warned, where somebody listens

    @cached_property
    def places(self) -> dict[int, int]:
        """The id of each of its objects that has an identity → its place."""
        return {id(value): place for place, value in self._objects.items() if not isinstance(value, _FIXED)}

    def changed(self) -> list[int]:
        """Places of objects that do not hold any more what they held when they arrived."""
        behind = set(map(_memory_of, self._objects.values()))
        now = ((place, self._objects[place]) for key, place in self.places.items() if key not in behind)
        return [place for place, value in now if _is_own(value) and not same(value, self._twin(place), self._pair)]

    def drawn(self) -> list[tuple[int, object]]:
        """Where generators of random numbers are now, if that is somewhere else."""
        now = ((place, generators.state_of(self._objects[place])) for place in self._drawn)
        return [(place, state) for place, state in now if state != self._drawn[place]]

    def is_unchanged(self, value: object, seen: set[int] | None = None) -> bool:
        """Whether one of its objects, and all that it holds, is what it was."""
        seen, place = set() if seen is None else seen, self.places[id(value)]
        if place in seen:
            return True
        seen.add(place)

        def pair(now: object, then: object) -> bool:
            return self._pair(now, then) and (id(now) not in self.places or self.is_unchanged(now, seen))

        return same(value, self._twin(place), pair)

    def at(self, place: int) -> Any:
        """One of its objects."""
        return self._objects[place]

    @property
    def is_small(self) -> bool:
        """Whether it costs little to look for changes."""
        return len(self._frame) < _WATCHED

    def _twin(self, place: int) -> Any:
        return self._before[place]

    def _pair(self, now: object, then: object) -> bool:
        return self.places.get(id(now), -1) == self._twins.get(id(then), -2) or now is then

    @cached_property
    def _before(self) -> dict[int, Any]:
        return read(self._frame, self._load)[1]

    @cached_property
    def _twins(self) -> dict[int, int]:
        return {id(value): place for place, value in self._before.items()}


def read(frame: bytes, load: Callable[[Described], object]) -> tuple[Any, dict[int, Any]]:
    """A message, and the objects in it by their places."""
    unpickler: Any = ArgumentUnpickler(io.BytesIO(frame), load)
    return unpickler.load(), unpickler.memo.copy()


def _memory_of(value: Any) -> int:
    """The id of what holds the memory of an array, which changes with it; 0 of others."""
    for _ in range(_VIEWS):  # a masked array's base is always another one
        if type(value).__module__ == "numpy" and type(value).__name__ == "ndarray" and value.base is not None:
            value = value.base
    return id(value.obj) if isinstance(value, memoryview) else 0


def _is_own(value: object) -> bool:
    """Whether a change of it is one of its own, and not of the frame that it is a part of."""
    kind = type(value)
    return kind.__module__.partition(".")[0] not in _ARRAYS or kind.__name__ in _WHOLE
