"""The examiner's stand-ins for the candidate's functions, classes and objects.

A stand-in holds no value of the candidate's. It forwards calls, iteration and attributes to the candidate's process.
It forwards comparisons, truth and numbers only if the stub of a class declares them, so that an object cannot lie.
"""

from __future__ import annotations
import __future__

import ast
import functools
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from types import FunctionType, MethodType, UnionType
from typing import Any, Union, get_args, get_origin

from jupyter_loops.execution.crossing.refusal import UnreadableError

from .candidate_client import ASYNC, IF_NONE, NO, YES, CandidateClient, Place

_ALWAYS = frozenset({"__init__", "__new__", "__init_subclass__", "__class_getitem__", "__slots__", "__del__"})
_NOT_FORWARDED = "has no value here: it is an object of the code's own class, and no check may rely on what it says"
_NAMES = frozenset({"__name__", "__qualname__", "__wrapped__"})
_FIELDS = frozenset({"_remote", "_handle", "_kind"})
_WITHOUT_A_CLASS: Any = (Callable, Iterator, AsyncIterator, Awaitable)  # closures, generators, coroutines
_Function = ast.FunctionDef | ast.AsyncFunctionDef


class Handle:
    """An object of a class of the candidate's own."""

    __candidate__ = True

    def __init__(self, remote: CandidateClient, number: int, kind: str) -> None:
        object.__setattr__(self, "_remote", remote)
        object.__setattr__(self, "_handle", number)
        object.__setattr__(self, "_kind", kind)

    def __getattr__(self, name: str) -> Any:
        if name in _FIELDS or (name.startswith("__") and name.endswith("__") and name not in _NAMES):
            raise AttributeError(name)
        return self._remote.ask("get", (self._handle, name))

    def __setattr__(self, name: str, value: object) -> None:
        self._remote.ask("set", (self._handle,), name, value)

    def __repr__(self) -> str:
        return f"<{self._kind} object of the candidate>"

    def __str__(self) -> str:
        return str(special(self, "__str__"))

    def __bool__(self) -> bool:
        raise TypeError(f"{self!r} {_NOT_FORWARDED}")

    def __del__(self) -> None:
        self._remote.drop(self._handle)

    __eq__ = object.__eq__
    __hash__ = object.__hash__


def special(handle: Any, name: str, *args: object) -> Any:
    """Call a special method of the candidate's object."""
    remote, number = object.__getattribute__(handle, "_remote"), object.__getattribute__(handle, "_handle")
    return remote.ask("special", (number,), name, args)


def special_async(handle: Any, name: str, *args: object) -> Any:
    """The same, for one that is awaited."""
    remote, number = object.__getattribute__(handle, "_remote"), object.__getattribute__(handle, "_handle")
    return remote.ask_async("special", (number,), name, args)


def _forward(name: str) -> Callable[..., Any]:
    return lambda self, *args: special(self, name, *args)


def _exit(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """Forwards no traceback, since its frames are the exam's, and remembers an error that was swallowed."""

    def leave(self: Any, kind: Any, error: BaseException | None, _: object) -> Any:
        suppressed = call(self, name, kind, error, None)
        if suppressed:
            object.__getattribute__(self, "_remote").swallowed(error)
        return suppressed

    async def leave_async(self: Any, kind: Any, error: BaseException | None, _: object) -> Any:
        suppressed = await call(self, name, kind, error, None)
        if suppressed:
            object.__getattribute__(self, "_remote").swallowed(error)
        return suppressed

    return leave_async if name == "__aexit__" else leave


def _forward_async(name: str) -> Callable[..., Any]:
    return lambda self, *args: special_async(self, name, *args)


def _special(name: str) -> Callable[..., Any]:
    return _exit(name, special) if name == "__exit__" else _forward(name)


def _call(self: Any, *args: Any, **kwargs: Any) -> Any:
    return self._remote.call((self._handle,), args, kwargs)


def _len(self: Any) -> int:
    """Counted, if the object can be iterated: its own `__len__` could differ from its content."""
    return sum(1 for _ in self) if hasattr(type(self), "__iter__") else int(special(self, "__len__"))


def _await(self: Any) -> Any:
    return special_async(self, "__await__").__await__()


_ABILITIES: dict[str, dict[str, Any]] = {  # ability that the candidate reports → methods of the handle
    "call": {"__call__": _call, "__doc__": property(lambda self: self._remote.ask("get", (self._handle, "__doc__")))},
    "bind": {"__get__": lambda self, owner, _=None: self if owner is None else MethodType(self, owner)},
    "iterate": {"__iter__": _forward("__iter__")},
    "size": {"__len__": _len},
    "next": {"__next__": _forward("__next__")},
    "enter": {"__enter__": _forward("__enter__"), "__exit__": _exit("__exit__", special)},
    "item": {"__getitem__": _forward("__getitem__"), "__setitem__": _forward("__setitem__")},
    "await": {"__await__": _await},
    "iterate async": {"__aiter__": _forward("__aiter__")},
    "next async": {"__anext__": _forward_async("__anext__")},
    "enter async": {"__aenter__": _forward_async("__aenter__"), "__aexit__": _exit("__aexit__", special_async)},
}


def _contains(self: Any, _: object) -> bool:
    raise TypeError(
        f"`in` is no question to {self!r}, whose answer would be its own word: "
        "iterate over it, or let a method return data"
    )


def _operator(name: str) -> Callable[..., Any]:
    """One that no stub declares: it may give an object, and no number that a check would take for a result."""

    def operate(self: Any, *others: object) -> Any:
        result = special(self, name, *others)
        if not is_stand_in(result):
            raise TypeError(f"{self!r} gives a value for {name}, which its stub does not declare: declare it there")
        return result

    return operate


_SIGNS = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor", "lshift", "rshift")
_OPERATORS = (
    *(f"__{kind}{sign}__" for sign in _SIGNS for kind in ("", "r", "i")),
    *("__neg__", "__pos__", "__abs__", "__invert__", "__round__"),
)
_OTHERS = ("__reversed__", "__delitem__", "__str__", "__format__")
_BEYOND: dict[str, dict[str, Any]] = {  # what objects of a class that is a target can do, though its stub is silent
    "call": {"__call__": _call},
    "bind": {},
    "__class_getitem__": {"__class_getitem__": classmethod(lambda kind, _: kind)},
    **{name: {name: _operator(name)} for name in _OPERATORS},
    **{name: {name: _forward(name)} for name in _OTHERS},
}
BEYOND = frozenset(name for name in _BEYOND if name.startswith("__"))  # said as they are called
_SEARCHED = frozenset({"__contains__", "__iter__", "__getitem__"})  # by which Python looks for something


@functools.lru_cache(maxsize=256)
def _kind_with(abilities: frozenset[str], drawn: str) -> type[Handle]:
    """`drawn`: the class of Matplotlib's that `isinstance` sees, as the candidate says; it makes no value of it."""
    methods: dict[str, Any] = {}
    if drawn:
        methods["__class__"] = property(lambda self: _loaded(drawn) or type(self))
    for ability in sorted(abilities):
        methods |= _ABILITIES[ability]
    if methods.keys().isdisjoint(_SEARCHED):
        methods["__contains__"] = _contains
    return type("Handle", (Handle,), methods)


def _loaded(drawn: str) -> type | None:
    """The class in a description `is matplotlib.…:Name`, where a check can have it."""
    module, _, name = drawn.removeprefix("is ").partition(":")
    kind = getattr(sys.modules.get(module), name, None)
    return kind if isinstance(kind, type) else None


class Attributed:
    """A function whose attributes are the candidate's: `f.cache_info()`, `f.calls`."""

    def __init__(self, remote: CandidateClient, name: str, call: Callable[..., Any]) -> None:
        vars(self).update(vars(call), _remote=remote, _name=name, _call=call, __wrapped__=call)
        for attribute in ("__module__", "__name__", "__qualname__", "__doc__", "__annotations__"):
            vars(self)[attribute] = getattr(call, attribute)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the candidate's."""
        return self._call(*args, **kwargs)

    def __get__(self, owner: Any, _: object = None) -> Any:
        return self if owner is None else MethodType(self, owner)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return self._remote.ask("get", (self._name, name))

    def __setattr__(self, name: str, value: object) -> None:
        self._remote.ask("set", (self._name,), name, value)

    def __repr__(self) -> str:
        return repr(self._call)


class StandIns:
    """Makes the stand-ins of one exam."""

    def __init__(self, remote: CandidateClient, names: dict[str, Any]) -> None:
        self._remote, self._names = remote, names
        self._classes: dict[str, type] = {}
        remote.make = self._object

    def function(self, name: str, source: str, abilities: tuple[str, ...] = ()) -> Callable[..., Any]:
        """The target as its stub declares it; with `attributes`, it has those of the candidate's function.

        One that `streams` is an asynchronous generator, where its stub does not say so.
        """
        stub = ast.parse(source).body[0]
        assert isinstance(stub, _Function)
        streams = stub.returns is None and "streams" in abilities
        stand_in = self._function(stub, lambda _: (name,), self._defined(stub, name), streams=streams)
        if "attributes" in abilities and isinstance(stub, ast.FunctionDef):
            stand_in = Attributed(self._remote, name, stand_in)
        self._remote.named[id(stand_in)] = ("name", name)
        return stand_in

    def cls(self, name: str, source: str, abilities: tuple[str, ...] = ()) -> type:
        """The class as its stub declares it, with methods that call the candidate's."""
        stub = ast.parse(source).body[0]
        assert isinstance(stub, ast.ClassDef)
        declared: Any = self._defined(stub, name)
        members: dict[str, Any] = {"__module__": "__main__", "__qualname__": name, "__doc__": declared.__doc__}
        members |= {"__candidate__": True, "__init__": self._initialise(name), "__getattr__": Handle.__getattr__}
        members |= {"__setattr__": Handle.__setattr__, "__del__": Handle.__del__, "__repr__": Handle.__repr__}
        for part in stub.body:
            if isinstance(part, _Function) and part.name not in _ALWAYS:
                members[part.name] = self._member(name, part, vars(declared).get(part.name))
        for ability in abilities:
            for method, forward in (_BEYOND.get(ability) or _ABILITIES.get(ability, {})).items():
                members.setdefault(method, forward)
        if members.keys().isdisjoint(_SEARCHED):
            members["__contains__"] = _contains
        if "__eq__" in members:
            members.setdefault("__hash__", object.__hash__)
        stand_in: type = type(declared)(name, (declared,), members)
        self._classes[name] = stand_in
        self._remote.named[id(stand_in)] = ("name", name)
        return stand_in

    def seconds(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> float:
        """`seconds` of the cell language: how long one call takes in the candidate's process."""
        reference = self._remote.named.get(id(function))
        place: Place | None = (reference[1],) if reference else None
        if place is None and isinstance(function, Handle):
            place = (object.__getattribute__(function, "_handle"),)
        owner = getattr(function, "__self__", None)
        if place is None and getattr(type(owner), "__candidate__", None):
            place = (object.__getattribute__(owner, "_handle"), function.__name__)
        if place is None:
            raise TypeError("seconds(f, …) takes a target, or a method of one, and what to call it with")
        return self._remote.timed(place, args, kwargs)

    def _object(self, description: Any) -> Any:
        """A stand-in for an object that the candidate keeps. Raises UnreadableError."""
        if type(description) is not tuple or len(description) != 4:  # noqa: PLR2004
            raise UnreadableError("an object without description")
        number, kind, target, abilities = description
        if type(number) is not int or type(kind) is not str or type(abilities) is not tuple:
            raise UnreadableError("an object without description")
        existing = self._remote.stand_ins.get(number)
        if existing is not None:
            return existing
        if type(target) is str and target in self._classes:
            cls: Any = self._classes[target]
            stand_in: Any = cls.__new__(cls)
            object.__setattr__(stand_in, "_remote", self._remote)
            object.__setattr__(stand_in, "_handle", number)
            object.__setattr__(stand_in, "_kind", target)
        else:
            able = frozenset(ability for ability in abilities if type(ability) is str and ability in _ABILITIES)
            drawn = next(
                (ability for ability in abilities if type(ability) is str and ability.startswith("is matplotlib.")), ""
            )
            stand_in = _kind_with(able, drawn)(self._remote, number, kind[:80])
        self._remote.stand_ins[number] = stand_in
        return stand_in

    def _initialise(self, name: str) -> Callable[..., None]:
        remote = self._remote

        def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
            handle = remote.call((name,), args, kwargs)
            number = object.__getattribute__(handle, "_handle")
            for attribute in ("_remote", "_handle", "_kind"):
                object.__setattr__(self, attribute, object.__getattribute__(handle, attribute))
            remote.stand_ins[number] = self
            object.__setattr__(handle, "_remote", _NULL_REMOTE)  # only `self` releases the object

        return __init__

    def _member(self, owner: str, stub: _Function, declared: object) -> Any:
        name = stub.name
        if isinstance(declared, property | functools.cached_property):
            return property(
                lambda self: self._remote.ask("get", (self._handle, name)),
                lambda self, value: self._remote.ask("set", (self._handle,), name, value),
            )
        if isinstance(declared, classmethod | staticmethod):
            function = self._function(stub, lambda _: (owner, name), declared.__func__)
            return staticmethod(function)
        if name.startswith("__") and name.endswith("__") and isinstance(stub, ast.FunctionDef):
            return self._method(stub, declared) if name == "__call__" else _special(name)
        if name == "__aexit__":
            return _exit(name, special_async)
        return self._method(stub, declared)

    def _method(self, stub: _Function, declared: object) -> Any:
        name = stub.name
        return self._function(stub, lambda args: (args[0]._handle, name), declared, skip=1)  # noqa: SLF001

    def _function(
        self,
        stub: _Function,
        place: Callable[[tuple[Any, ...]], Place],
        declared: object,
        skip: int = 0,
        *,
        streams: bool = False,
    ) -> Callable[..., Any]:
        remote, in_place, promised = self._remote, _in_place(stub), self._promised(stub)

        def checked(value: Any) -> Any:
            if getattr(type(value), "__candidate__", False):
                kind = object.__getattribute__(value, "_kind")
                if promised:
                    words = f"{stub.name} returned an object of the class {kind}, and its stub promises {promised}"
                    raise TypeError(words)
                if isinstance(value, Handle) and not isinstance(value, _WITHOUT_A_CLASS):
                    remote.notes[
                        f"{stub.name} gives an object of the class {kind}, which stays with the candidate: what its "
                        "methods say is the candidate's word; annotate the result, and compare data"
                    ] = None
            return value

        if isinstance(stub, ast.AsyncFunctionDef) and not (streams or _yields(stub)):

            async def call_async(*args: Any, **kwargs: Any) -> Any:
                return checked(await remote.ask_async("call", place(args), args[skip:], kwargs, in_place | ASYNC))

            function: Callable[..., Any] = call_async
        else:

            def call(*args: Any, **kwargs: Any) -> Any:
                return checked(remote.call(place(args), args[skip:], kwargs, in_place))

            function = call
        if isinstance(declared, FunctionType):
            functools.update_wrapper(function, declared)
        else:
            function.__name__ = function.__qualname__ = stub.name
        function.__module__ = "__main__"
        return function

    def _promised(self, stub: _Function) -> str:
        """The return type of a stub, where only a value can be of it; empty where an object may stand in for one."""
        if stub.returns is None:
            return ""
        text = ast.unparse(stub.returns)
        try:
            kind = eval(text, dict(self._names))  # noqa: S307 - the user's own
            kind = eval(kind, dict(self._names)) if isinstance(kind, str) else kind  # noqa: S307 - same
        except Exception:  # noqa: BLE001 - a name that comes later
            return ""
        return text if _is_data(kind) else ""

    def _defined(self, stub: _Function | ast.ClassDef, name: str) -> object:
        """The stub itself, for its signature, defaults and bases; without decorators that would run it."""
        if isinstance(stub, _Function):
            stub.decorator_list = []
        names = dict(self._names)
        try:
            # annotations stay texts: they may name what comes later
            code = compile(
                ast.Module([stub], []), "<stub>", "exec", __future__.annotations.compiler_flag, dont_inherit=True
            )
            exec(code, names)  # noqa: S102 - the user's
        except Exception as error:
            raise UnreadableError(f"the stub of {name} cannot be read: {type(error).__name__}: {error}") from error
        return names[name]


class _NullRemote:
    """In the place of a remote: releases nothing."""

    def drop(self, handle: int) -> None:
        """Another stand-in has it."""


_NULL_REMOTE = _NullRemote()


def _yields(stub: _Function) -> bool:
    """Whether an asynchronous stub is declared to be a generator."""
    return stub.returns is not None and "Async" in ast.unparse(stub.returns)


def _in_place(stub: _Function) -> int:
    if stub.returns is None:
        return IF_NONE
    return YES if isinstance(stub.returns, ast.Constant) and stub.returns.value is None else NO


def works_in_place(source: str, value: object) -> bool:
    """Whether a call of the function with this stub, which has returned `value`, may have changed its arguments."""
    stub = ast.parse(source).body[0]
    in_place = _in_place(stub) if isinstance(stub, _Function) else NO
    return in_place == YES or (in_place == IF_NONE and value is None)


def _is_data(kind: Any) -> bool:
    """Whether all values of a type are rebuilt here."""
    if get_origin(kind) in {Union, UnionType}:
        return all(argument is type(None) or _is_data(argument) for argument in get_args(kind))
    kind = get_origin(kind) or kind
    if not isinstance(kind, type) or kind is object:
        return False
    library = kind.__module__.partition(".")[0]
    return library in _REBUILT or any(base.__name__ in _REBUILT_BASES.get(library, ()) for base in kind.__mro__)


_REBUILT = frozenset({"builtins", "datetime", "decimal", "fractions", "uuid"})
_REBUILT_BASES = {  # of the classes whose objects cross; others of these libraries stay with the candidate
    "numpy": ("ndarray", "generic", "dtype"),
    "pandas": ("DataFrame", "Series", "Index", "ExtensionArray", "Timestamp", "Timedelta", "Period", "Interval"),
    "polars": ("DataFrame", "Series"),
    "pyarrow": ("Array", "ChunkedArray", "Table", "RecordBatch", "Scalar", "DataType", "Schema"),
}


def is_stand_in(value: object) -> bool:
    """Whether this stands for something of the candidate's."""
    return bool(getattr(type(value), "__candidate__", False))
