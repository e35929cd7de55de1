"""Pickles the arguments of a call to the candidate: most are copied, some are passed by reference.

Functions of the cell, iterators and bound methods stay in the examiner, and the candidate gets a proxy that calls
back. So the checks see what these change, and no code of the exam reaches the candidate. An object that both processes
have from the fork server is sent by name.
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
except ImportError:  # an image without it: classes and functions that a check defines cannot be sent
    from pickle import Pickler as _Base

Reference = tuple[Any, ...]  # a reference to an object: its kind, then what resolves it
_PLAIN = frozenset({type(None), bool, int, float, complex, str, bytes, bytearray, list, tuple, dict, set, frozenset})
_CALLED = (MethodType, functools.partial, type(functools.lru_cache(len)))
_SHARED_BYTES = 1 << 20  # the smallest array or frame that is sent by name


class Owner(Protocol):
    """Knows which objects are stand-ins for the candidate's, and exports those that the candidate may call."""

    def remote_reference(self, value: object) -> Reference | None:
        """The candidate's reference for a stand-in; None for other objects."""
        ...

    def export(self, value: object) -> int:
        """The number under which the candidate may call or read this object."""
        ...

    def class_number(self, kind: type) -> int | None:
        """The number of a class that both processes have."""
        ...

    def shared(self, value: object) -> str | None:
        """The name of an object that the candidate also has, unchanged."""
        ...


class ArgumentPickler(_Base):  # type: ignore[misc] # cloudpickle has no types
    """Pickles arguments. Its `memo` numbers the objects as the unpickler will."""

    def __init__(self, file: io.BytesIO, owner: Owner) -> None:
        super().__init__(file, protocol=5)
        self._owner = owner

    def persistent_id(self, value: object) -> Reference | None:
        """A reference for an object that must not be copied; None for the others."""
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
        return (word, self._owner.export(value), *more) if word else None

    def _local_reference(self, value: Any) -> Reference:
        """A reference, without its number, for an object that stays here; empty for what is copied."""
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
    """Pickles arguments that are all plain, many times faster."""

    def reducer_override(self, value: object) -> NoReturn:
        """Called for every value that is no builtin atom or container."""
        raise NotPlainArgument(type(value).__name__)


class NotPlainArgument(Exception):
    """An argument needs `ArgumentPickler`."""


class ArgumentUnpickler(pickle.Unpickler):
    """Unpickles arguments; `load_` resolves references."""

    def __init__(self, file: io.BytesIO, load_: Callable[[Reference], object]) -> None:
        super().__init__(file)
        self._load = load_

    def persistent_load(self, reference: Reference) -> object:
        """The object of a reference."""
        return self._load(reference)


def stays(value: object) -> bool:
    """Whether this stays in the examiner: functions of the cell and callables bound to data do."""
    if isinstance(value, FunctionType):
        return _resolve_qualname(value) is not value
    if isinstance(value, BuiltinFunctionType):
        return not isinstance(value.__self__, ModuleType | type | None)
    return isinstance(value, _CALLED)


def is_mock(value: object) -> bool:
    """Whether this is a mock of unittest."""
    mock = sys.modules.get("unittest.mock")
    return mock is not None and issubclass(type(value), mock.NonCallableMock)


def is_magic(value: object) -> bool:
    """Whether a mock supports special methods, as MagicMock does."""
    return issubclass(type(value), sys.modules["unittest.mock"].MagicMixin)


def large(names: Mapping[str, object]) -> dict[int, str]:
    """Arrays and frames that are large enough to be sent by name: id → name."""
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
    """The object under a function's qualified name in its module; None for functions of the cell."""
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
