"""What the examiner hands to its candidate: copies, but for what has to stay where it is.

Functions of the cell, iterators and bound methods stay in the examiner, and the candidate gets something that calls
back: so what they change is seen by the checks, and no code of the exam travels. What both processes have from the
fork server is named instead of copied.
"""

from __future__ import annotations

import functools
import inspect
import io
import pickle
import sys
from collections.abc import Callable, Mapping
from types import BuiltinFunctionType, CoroutineType, FunctionType, MethodType, ModuleType
from typing import Any, NoReturn, Protocol

try:
    from cloudpickle import Pickler as _Base
except ImportError:  # in an image without it, classes and functions that a check defines do not travel
    from pickle import Pickler as _Base

Described = tuple[Any, ...]  # how the candidate gets at an object: a word, then what it needs to know
_PLAIN = frozenset({type(None), bool, int, float, complex, str, bytes, bytearray, list, tuple, dict, set, frozenset})
_CALLED = (MethodType, functools.partial, type(functools.lru_cache(len)))
_SHARED_BYTES = 1 << 20  # of an array or frame that is worth naming instead of copying


class Owner(Protocol):
    """Who knows which objects are stand-ins for the candidate's, and keeps those that the candidate may call."""

    def remote_reference(self, value: object) -> Described | None:
        """How the candidate knows what this stands in for; None for what is no stand-in."""
        ...

    def keep(self, value: object) -> int:
        """The number under which the candidate may call or read this object."""
        ...

    def class_number(self, kind: type) -> int | None:
        """The number of a class that both processes have."""
        ...

    def shared(self, value: object) -> str | None:
        """The name of an object that the candidate has, too, unchanged."""
        ...


class ArgumentPickler(_Base):  # type: ignore[misc] # cloudpickle has no types
    """Writes arguments. `memo` numbers what is written as the reader will number it."""

    def __init__(self, file: io.BytesIO, owner: Owner) -> None:
        super().__init__(file, protocol=5)
        self._owner = owner

    def persistent_id(self, value: object) -> Described | None:
        """Whatever must not be copied."""
        kind = type(value)
        if kind in _PLAIN:
            return None
        reference = self._owner.remote_reference(value)
        if reference is not None:
            return reference
        if isinstance(value, type):
            number = self._owner.class_number(value)
            return None if number is None else ("class", number)
        word, *more = self._local_reference(value)
        return (word, self._owner.keep(value), *more) if word else None

    def _local_reference(self, value: Any) -> Described:
        """How the candidate gets at what is kept here; nothing for what is copied."""
        kind = type(value)
        if hasattr(kind, "__await__"):
            return "awaitable", kind is CoroutineType
        if is_mock(value):
            return "mock", kind.__name__, inspect.iscoroutinefunction(value), is_magic(value)
        if stays(value):
            return "callback", *_signature_of(value)
        if hasattr(kind, "__next__") and not isinstance(value, io.IOBase):
            return "iterator", kind.__name__
        name = self._owner.shared(value)
        return ("", None) if name is None else ("shared", name)


class PlainPickler(pickle.Pickler):
    """Writes arguments that are all plain, many times faster."""

    def reducer_override(self, value: object) -> NoReturn:
        """Called for all that is no builtin atom or container."""
        raise NotPlainArgument(type(value).__name__)


class NotPlainArgument(Exception):
    """There is something among the arguments that needs a closer look."""


class ArgumentUnpickler(pickle.Unpickler):
    """Reads arguments; `load_` makes what is described."""

    def __init__(self, file: io.BytesIO, load_: Callable[[Described], object]) -> None:
        super().__init__(file)
        self._load = load_

    def persistent_load(self, described: Described) -> object:
        """As the examiner described it."""
        return self._load(described)


def stays(value: object) -> bool:
    """Whether this is called in the examiner rather than copied: what the cell defines, and what is bound to data."""
    if isinstance(value, FunctionType):
        return _resolve_qualname(value) is not value
    if isinstance(value, BuiltinFunctionType):
        return not isinstance(value.__self__, ModuleType | type | None)
    return isinstance(value, _CALLED)


def is_mock(value: object) -> bool:
    """Whether this records what is done to it."""
    mock = sys.modules.get("unittest.mock")
    return mock is not None and issubclass(type(value), mock.NonCallableMock)


def is_magic(value: object) -> bool:
    """Whether a mock has items, a size and the like."""
    return issubclass(type(value), sys.modules["unittest.mock"].MagicMixin)


def large(names: Mapping[str, object]) -> dict[int, str]:
    """Arrays and frames that are worth naming instead of copying: id → name."""
    names_by_id = {}
    for name, value in names.items():
        module = type(value).__module__.partition(".")[0]
        if module in {"numpy", "pandas", "polars", "pyarrow"} and _size(value) >= _SHARED_BYTES:
            names_by_id[id(value)] = name
    return names_by_id


def _size(value: Any) -> int:
    if callable(getattr(value, "memory_usage", None)):
        usage = value.memory_usage(deep=False)
        return int(usage if isinstance(usage, int) else usage.sum())
    if callable(getattr(value, "estimated_size", None)):
        return int(value.estimated_size())
    size = getattr(value, "nbytes", 0)
    return size if isinstance(size, int) else 0


def _resolve_qualname(function: FunctionType) -> object:
    """What one finds under a function's name in its module, outside of the cell."""
    place: object = sys.modules.get(function.__module__) if function.__module__ != "__main__" else None
    for part in function.__qualname__.split("."):
        place = getattr(place, part, None)
    return place


def _signature_of(value: Any) -> tuple[str, str, bool, Any]:
    """Name, documentation, whether it is asynchronous, and the parameters."""
    name, doc = getattr(value, "__name__", type(value).__name__), getattr(value, "__doc__", "") or ""
    asynchronous = inspect.iscoroutinefunction(value)
    try:
        parameters = inspect.signature(value).parameters.values()
        bare = [
            (parameter.name, int(parameter.kind), parameter.default is not parameter.empty) for parameter in parameters
        ]
    except (TypeError, ValueError):
        bare = None
    return str(name), str(doc), asynchronous, bare
