"""A call of a function in the sandbox: how the notebook encodes it, and how it decodes the answer."""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from typing import Any, NoReturn

from jupyter_loops.errors import CallError

from .child.call_service import RAISED, REFUSED
from .crossing import Classes, UnreadableError, decode, decode_error, loads, put_back
from .crossing.classes import defined_in, project_modules, reachable_classes
from .crossing.generators import move_on

_NOTEBOOKS = ("__main__", "__mp_main__", "jupyter_loops_delivered")  # modules that the sandbox cannot import


class Shared:
    """The classes that the notebook and the sandbox both have, with the path to each."""

    def __init__(self, names: Mapping[str, object], siblings: Mapping[int, str]) -> None:
        """`names` are those of the module that the function is bound in: the cell's set-up and what that reads.

        `siblings` are the names of all functions that live there, by their ids here.
        """
        self.siblings = siblings
        bound = {id(value): name for name, value in names.items() if isinstance(value, type)}
        namespace_classes = reachable_classes(names.values())
        project_classes = reachable_classes(defined_in(project_modules()))
        imported = (kind for kind in project_classes if not _is_the_notebooks(kind))
        kinds = {id(kind): kind for kind in (*namespace_classes, *imported)}
        self.classes = Classes(kinds.values())
        self.class_paths = [
            ("" if _is_the_notebooks(kind) else kind.__module__, bound.get(key, kind.__qualname__))
            for key, kind in kinds.items()
        ]

    def number(self, kind: type) -> int | None:
        """The number of a class that the sandbox cannot import; None for a class that it can import."""
        return self.classes.number(kind) if _is_the_notebooks(kind) else None


class RemoteCall:
    """One call: `frame` is sent to the sandbox, and `read` decodes its answer."""

    def __init__(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], shared: Shared) -> None:
        """Raises CallError for arguments that cannot be copied."""
        self.name, self.shared = name, shared
        file = io.BytesIO()
        self._pickler = _pickler(file, shared)
        try:
            _refuse_iterators([*args, *kwargs.values()])
            self._pickler.dump((name, args, kwargs))
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
            raise CallError(f"{name} runs in the sandbox, and its arguments cannot be copied there: {why}") from error
        self.frame = file.getvalue()

    def read(self, how: str, answer: bytes) -> Any:
        """The result. Arguments that the function changed in place are updated. Raises its exception, or CallError."""
        try:
            arrived, receiving = loads(answer), _Receiving(self.shared.classes, self._pickler)
            if how == REFUSED:
                raise CallError(f"{self.name}: {arrived}")
            graph, changed, drawn = arrived
            contents = [(receiving.referred(place), decode(content, receiving)) for place, content in changed]
            value = decode_error(graph, receiving) if how == RAISED else decode(graph, receiving)
            for argument, content in contents:
                _put_back(argument, content)
            for place, state in drawn:
                move_on(receiving.referred(place), state)
        except UnreadableError as unreadable:
            raise CallError(f"{self.name}: the answer of the sandbox cannot be read: {unreadable}") from unreadable
        if how == RAISED:
            raise value
        return value


class _Receiving:
    """Satisfies crossing.Receiving for the decoder."""

    def __init__(self, classes: Classes, pickler: Any) -> None:
        self.classes = classes
        self._arguments: dict[int, Any] = dict(pickler.memo.copy().values())

    def referred(self, number: int) -> object:
        """An argument."""
        if number not in self._arguments:
            raise UnreadableError("it refers to an argument that was not sent")
        return self._arguments[number]

    def handle(self, _: object) -> NoReturn:
        """Raise UnreadableError: an answer holds no handles."""
        raise UnreadableError("it refers to an object that stayed in the sandbox")


def _put_back(argument: object, content: object) -> None:
    if not isinstance(argument, pickle.PickleBuffer):
        put_back(argument, content)


def _refuse_iterators(arguments: list[Any]) -> None:
    """A copy would be used up, and not what was handed over."""
    held = [each for value in arguments if type(value) in {list, tuple, dict} for each in _items(value)]
    for value in (*arguments, *held):
        if hasattr(type(value), "__next__") and not isinstance(value, io.IOBase):
            raise TypeError(f"a {type(value).__name__} would be used up there, and not here: hand over a list")


def _items(value: Any) -> Any:
    return value.values() if type(value) is dict else value


def _is_the_notebooks(kind: type) -> bool:
    return str(kind.__module__).startswith(_NOTEBOOKS)


def _pickler(file: io.BytesIO, shared: Shared) -> Any:
    """A pickler that refers to shared classes by number, and copies the others."""
    import cloudpickle

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc] # it has no types
        def persistent_id(self, value: object) -> tuple[str, int | str] | None:
            if id(value) in shared.siblings:
                return "name", shared.siblings[id(value)]
            number = shared.number(value) if isinstance(value, type) else None
            return None if number is None else ("class", number)

    return Pickler(file, protocol=5)
