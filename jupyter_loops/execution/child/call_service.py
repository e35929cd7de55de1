"""The examiner's part in a call from the notebook: it reads the arguments, calls the candidate, and encodes the answer.

What comes of the candidate is rebuilt here, as in a check, and then encoded anew: the notebook reads nothing that a
candidate wrote.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from inspect import iscoroutine
from typing import Any, NoReturn

from jupyter_loops.execution.crossing import plain_values
from jupyter_loops.execution.crossing.classes import Classes, led_to
from jupyter_loops.execution.crossing.graph import encode, encode_error
from jupyter_loops.execution.crossing.refusal import UnreadableError, UnsendableError

from .arguments import Described
from .candidate_client import CandidateGoneError
from .candidate_world import CandidateWorld
from .stand_ins import works_in_place
from .target_call import TargetCall, read
from .target_contract import FUNCTION

RETURNED, RAISED, REFUSED, GONE = "returned", "raised", "refused", "gone"  # what came of a call
_LINES, _LONGEST = 1_000_000, 200  # of a candidate; characters
Names = Sequence[tuple[str, str]]  # of classes: the module, empty for the cell's own; the way from there


class CallService:
    """Performs the calls of one notebook."""

    def __init__(self, world: CandidateWorld) -> None:
        self._world = world
        self._classes = Classes()

    def perform(self, names: Names | None, frame: bytes) -> tuple[str, bytes]:
        """What came of a call, and the answer as bytes. Raises CandidateGone.

        `names` are of the classes that the notebook has; None: as in the call before.
        """
        if names is not None:
            self._classes = self._classes_of(names)
        classes = self._classes

        def load(described: Described) -> object:
            word, which = described
            return self._world.names[which] if word == "name" else _there(classes.at(which))

        try:
            (name, args, kwargs), objects = read(frame, load)
        except Exception as error:  # noqa: BLE001 - of whatever class the notebook hands over
            return REFUSED, plain_values.dumps(f"the arguments cannot be rebuilt: {type(error).__name__}: {error}")
        sending = _Sending(TargetCall(0, frame, objects, load), classes)
        try:
            value = self._at(name)(*args, **kwargs)
            value = _awaited(value) if iscoroutine(value) else value
        except CandidateGoneError:
            raise
        except BaseException as error:  # noqa: BLE001 - SystemExit and KeyboardInterrupt are the candidate's too
            return RAISED, plain_values.dumps(encode_error(self._told(error), sending))
        try:
            return RETURNED, plain_values.dumps(sending.answer(value, changes=self._may_change(name, value)))
        except Exception as error:  # noqa: BLE001 - whatever an object of the user's raises
            why = str(error) if isinstance(error, UnsendableError) else f"{type(error).__name__}: {error}"
            return REFUSED, plain_values.dumps(f"the result cannot be brought back: {why}")

    def _classes_of(self, names: Names) -> Classes:
        led = {kind.__qualname__: kind for kind in led_to(self._world.names.values()) if kind.__module__ == "__main__"}
        own = led | self._world.names
        return Classes(_at(way, vars(sys.modules.get(module, sys)) if module else own) for module, way in names)

    def _at(self, way: str) -> Any:
        """A function, or an attribute of one: `f.cache_info`."""
        name, *attributes = way.split(".")
        found = self._world.names[name]
        for each in attributes:
            found = getattr(found, each)
        return found

    def _may_change(self, name: str, value: object) -> bool:
        sources = (each.source for each in self._world.targets if each.name == name and each.kind == FUNCTION)
        return any(works_in_place(source, value) for source in sources)

    def _told(self, error: BaseException) -> BaseException:
        """The error with the candidate's own lines as notes, since its frames stay here."""
        fault = self._world.sources.tell(error)
        error.__dict__.pop("__candidate_fault__", None)
        for note in filter(None, map(_note, fault["frames"])):
            error.add_note(note)
        return error


class _Absent:
    """In the place of a class that is not here."""


class _Sending:
    """What the encoder asks (crossing.Sending): arguments are the notebook's, all else goes by value or not at all."""

    def __init__(self, call: TargetCall, classes: Classes) -> None:
        self.classes, self._call = classes, call
        self._by_value: object = self  # the one argument whose content is being sent

    def answer(self, value: object, *, changes: bool) -> tuple[Any, list[tuple[int, Any]], list[tuple[int, object]]]:
        """The value, the content of each argument that holds something else by now, and where generators are."""
        changed = self._call.changed() if changes and self._call.places else []
        return encode(value, self), [(place, self._content(place)) for place in changed], self._call.drawn()

    def _content(self, place: int) -> Any:
        self._by_value = value = self._call.at(place)
        return encode(value, self)

    def reference(self, value: object) -> int | None:
        """The place of an argument."""
        if value is self._by_value:
            self._by_value = self
            return None
        return self._call.places.get(id(value))

    def handle(self, value: object) -> NoReturn:
        """Nothing stays here for the notebook."""
        kind = getattr(value, "_kind", "") if getattr(type(value), "__candidate__", False) else type(value).__qualname__
        raise UnsendableError(f"an object of the class {kind} is no data")


def _at(way: str, names: dict[str, Any]) -> type:
    """The class at the end of a way that may have dots."""
    found = names.get(way)
    if found is None:
        first, *rest = way.split(".")
        found = names.get(first)
        for name in rest:
            found = getattr(found, name, None)
    return found if isinstance(found, type) else _Absent


def _note(frame: Any) -> str:
    """A frame of the candidate's, which may say what it likes; empty for what is none."""
    frame = frame if type(frame) is dict else {}
    line, function, text = (frame.get(name) for name in ("line", "function", "text"))
    if frame.get("where") != "candidate" or (type(line), type(function), type(text)) != (int, str, str):
        return ""
    return f"  in the sandbox, line {line % _LINES}, in {function[:_LONGEST]}: {text[:_LONGEST].strip()}"


def _there(kind: type) -> type:
    if kind is _Absent:
        raise UnreadableError("the sandbox does not have a class of these")
    return kind


def _awaited(coroutine: Any) -> Any:
    import asyncio

    return asyncio.run(coroutine)
