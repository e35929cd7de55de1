"""The examiner's part in a call from the notebook: it reads the arguments, calls the candidate, and encodes the answer.

The result is rebuilt here, as in a check, and then encoded again. So the notebook reads nothing that a candidate
wrote.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from inspect import iscoroutine
from typing import Any, NoReturn

from jupyter_loops.execution.crossing import plain_values
from jupyter_loops.execution.crossing.classes import Classes, reachable_classes
from jupyter_loops.execution.crossing.graph import encode, encode_error
from jupyter_loops.execution.crossing.refusal import UnreadableError, UnsendableError

from .arguments import Reference
from .candidate_client import CandidateEndedError
from .candidate_world import CandidateWorld
from .stand_ins import works_in_place
from .target_call import TargetCall, read
from .target_contract import FUNCTION

RETURNED, RAISED, REFUSED, ENDED = "returned", "raised", "refused", "gone"  # outcomes of a call
_LINES, _LONGEST = 1_000_000, 200  # of a candidate; characters
Names = Sequence[tuple[str, str]]  # of classes: the module, empty for the cell, and the qualified name


class CallService:
    """Performs the calls of one notebook."""

    def __init__(self, world: CandidateWorld) -> None:
        self._world = world
        self._classes = Classes()

    def perform(self, names: Names | None, frame: bytes) -> tuple[str, bytes]:
        """The outcome of a call, and the answer as bytes. Raises CandidateEndedError.

        `names` are of the notebook's classes; None: as in the previous call.
        """
        if names is not None:
            self._classes = self._classes_of(names)
        classes = self._classes

        def load(reference: Reference) -> object:
            word, which = reference
            return self._world.names[which] if word == "name" else _there(classes.at(which))

        try:
            (name, args, kwargs), objects = read(frame, load)
        except Exception as error:  # noqa: BLE001 - of whatever class the notebook hands over
            return REFUSED, plain_values.dumps(f"the arguments cannot be rebuilt: {type(error).__name__}: {error}")
        sending = _Sending(TargetCall(0, frame, objects, load), classes)
        try:
            value = self._at(name)(*args, **kwargs)
            value = _awaited(value) if iscoroutine(value) else value
        except CandidateEndedError:
            raise
        except BaseException as error:  # noqa: BLE001 - SystemExit and KeyboardInterrupt are the candidate's too
            return self._raised(name, self._with_candidate_lines(error), sending)
        try:
            return RETURNED, plain_values.dumps(sending.answer(value, changes=self._may_change(name, value)))
        except Exception as error:  # noqa: BLE001 - whatever an object of the user's raises
            return REFUSED, plain_values.dumps(f"the result cannot be brought back: {_why(error)}")

    def _raised(self, name: str, error: BaseException, sending: _Sending) -> tuple[str, bytes]:
        try:
            _, changed, drawn = sending.answer(None, changes=self._may_change(name, None))
        except Exception as unsendable:  # noqa: BLE001 - whatever an object of the user's raises
            return REFUSED, plain_values.dumps(f"what it changed cannot be brought back: {_why(unsendable)}")
        return RAISED, plain_values.dumps((encode_error(error, sending), changed, drawn))

    def _classes_of(self, names: Names) -> Classes:
        kinds = reachable_classes(self._world.names.values())
        cell_names = {kind.__qualname__: kind for kind in kinds if kind.__module__ == "__main__"} | self._world.names
        return Classes(_at(way, vars(sys.modules.get(module, sys)) if module else cell_names) for module, way in names)

    def _at(self, way: str) -> Any:
        """A function, or an attribute of one: `f.cache_info`."""
        name, *attributes = way.split(".")
        found = self._world.names[name]
        for each in attributes:
            found = getattr(found, each)
        return found

    def _may_change(self, name: str, value: object) -> bool:
        sources = (target.source for target in self._world.targets if target.name == name and target.kind == FUNCTION)
        return any(works_in_place(source, value) for source in sources)

    def _with_candidate_lines(self, error: BaseException) -> BaseException:
        """The error with the candidate's lines as notes, since its frames cannot be sent."""
        fault = self._world.sources.tell(error)
        error.__dict__.pop("__candidate_fault__", None)
        for note in filter(None, map(_note, fault["frames"])):
            error.add_note(note)
        return error


class _Absent:
    """Stands for a class that the sandbox does not have."""


class _Sending:
    """Answers the encoder (crossing.Sending): arguments are sent by reference, everything else by value."""

    def __init__(self, call: TargetCall, classes: Classes) -> None:
        self.classes, self._call = classes, call
        self._by_value: object = self  # the one argument whose content is being sent

    def answer(self, value: object, *, changes: bool) -> tuple[Any, list[tuple[int, Any]], list[tuple[int, object]]]:
        """The value, the new content of each changed argument, and the new states of random generators."""
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
        """Refuse: the notebook gets only data."""
        kind = getattr(value, "_kind", "") if getattr(type(value), "__candidate__", False) else type(value).__qualname__
        raise UnsendableError(f"an object of the class {kind} is no data")


def _at(way: str, names: dict[str, Any]) -> type:
    """The class of a qualified name."""
    value = names.get(way)
    if value is None:
        first, *attributes = way.split(".")
        value = names.get(first)
        for name in attributes:
            value = getattr(value, name, None)
    return value if isinstance(value, type) else _Absent


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, UnsendableError) else f"{type(error).__name__}: {error}"


def _note(frame: Any) -> str:
    """The note for a frame as the candidate reports it; empty where the report has the wrong types."""
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
