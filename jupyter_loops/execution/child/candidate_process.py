"""The candidate's process: runs the module that a model wrote, and calls into it when the examiner asks.

It holds no check. The examiner trusts nothing that it sends, so nothing here is a defence.
"""

from __future__ import annotations

import ast
import os
import re
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from itertools import count, islice
from time import perf_counter
from types import CoroutineType, FunctionType
from typing import TYPE_CHECKING, Any

from jupyter_loops.core.delivered_module import carry_by_value, identify, register
from jupyter_loops.core.module_level import ModuleLevelError, execute
from jupyter_loops.execution.crossing import plain_values
from jupyter_loops.execution.crossing.classes import Classes, reachable_classes
from jupyter_loops.execution.crossing.graph import encode, encode_error
from jupyter_loops.execution.crossing.refusal import NotPlainError

from .arguments import Reference
from .candidate_client import ASYNC, FRAME, IF_NONE, NO, YES
from .candidate_world import CandidateWorld
from .confine import usage
from .drawn_figures import Figures
from .fault import CANDIDATE
from .fingerprint import fingerprint
from .link import Link
from .mocks import MagicMockProxy, MockProxy
from .overheard import PRINTS, WARNS, overheard
from .setup_changes import SetupChanges
from .stand_ins import BEYOND
from .target_call import TargetCall, read

if TYPE_CHECKING:  # its import takes long, and most cells have no use for it
    import asyncio

_ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes})
_ABILITIES = (
    ("call", "__call__"),
    ("bind", "__get__"),
    ("iterate", "__iter__"),
    ("size", "__len__"),
    ("next", "__next__"),
    ("enter", "__enter__"),
    ("item", "__getitem__"),
    ("await", "__await__"),
    ("iterate async", "__aiter__"),
    ("next async", "__anext__"),
    ("enter async", "__aenter__"),
)
_PLACED = frozenset({"call", "timed", "special", "get", "set"})  # verbs that begin with a place
_DEEPEST = 10  # decorators
CO_ASYNC_GENERATOR = 0x200  # as in inspect, whose import takes long
_SILENT = (StopIteration, StopAsyncIteration)  # ends, not faults: nobody reads their frames
_current: ContextVar[TargetCall | None] = ContextVar("call", default=None)


class CandidateProcess:
    """Serves one candidate until the examiner hangs up."""

    def __init__(
        self, world: CandidateWorld, link: Link, figures: Figures, classes: Classes, shut_in: Callable[[str], None]
    ) -> None:
        self._world, self._link, self._figures, self.classes = world, link, figures, classes
        self._shut_in = shut_in
        self._spent = usage()["cpu_seconds"]  # before the candidate came
        self._lock = threading.RLock()
        self._numbers = count(1)
        self._handles: dict[int, Any] = {}
        self._handle_numbers: dict[int, int] = {}
        self._origins: dict[int, TargetCall] = {}  # handle → the call in which it was made
        self._proxies: dict[int, Any] = {}  # number of an object of the examiner's → its proxy
        self._proxy_numbers: dict[int, int] = {}
        self._fingerprints: dict[str, int] = {}
        self._tasks: dict[int, asyncio.Task[Any]] = {}
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._verbs: dict[str, Callable[..., Any]] = {
            "define": self._define,
            "fetch": lambda name: self._world.names[name],
            "call": self._call,
            "timed": self._timed,
            "get": self._at,
            "set": lambda place, name, value: setattr(self._at(place), name, value),
            "special": self._special,
            "report": self._report,
        }

    def serve(self) -> None:
        """Answer until the examiner hangs up."""
        with suppress(EOFError):
            while True:
                self._take(self._link.receive())

    # ---- verbs

    def _define(self, text: str, scratch: str, module: str) -> dict[str, tuple[bool, tuple[str, ...]]]:
        """Run the module. Returns for each target that it binds whether it is callable, and its abilities."""
        os.environ["HOME"] = os.environ["TMPDIR"] = scratch
        os.chdir(scratch)
        self._shut_in(scratch)
        self._world.sources.add(CANDIDATE, text)
        names = self._world.names
        if module:
            identify(self._world.module, module, text)
            register(module, self._world.module)
        if not self._world.watched:
            exec(compile(text, CANDIDATE, "exec", dont_inherit=True), names)  # noqa: S102 - the purpose of this process
        else:
            changes = SetupChanges(names, [*self.classes.kinds, *reachable_classes(names.values())])
            if acts := execute(ast.parse(text), CANDIDATE, names):
                raise ModuleLevelError(str(acts[0]))
            if changed := changes.first(text, self._world.received):
                raise ModuleLevelError(f"the module {changed}")
        if module:
            carry_by_value(self._world.module)
        bound = {target.name: names[target.name] for target in self._world.targets if target.name in names}
        return {
            name: (callable(value), (*_abilities(value), *_beyond(value)) or _attributes(name, value, text))
            for name, value in bound.items()
        }

    def _call(self, place: tuple[Any, ...], args: tuple[Any, ...], kwargs: dict[str, Any], flags: int) -> Any:
        function, call = self._at(place), _current.get()
        if not flags & (PRINTS | WARNS) or call is None:
            return function(*args, **kwargs)
        with overheard(flags, call.captured, lambda error: encode_error(error, self)):
            return function(*args, **kwargs)

    def _timed(self, place: tuple[Any, ...], args: tuple[Any, ...], kwargs: dict[str, Any], _: int) -> float:
        function, started = self._at(place), perf_counter()
        function(*args, **kwargs)
        return perf_counter() - started

    def _special(self, place: tuple[Any, ...], name: str, args: tuple[Any, ...]) -> Any:
        value = self._at(place)
        return value if name == "__await__" else getattr(type(value), name)(value, *args)

    def _report(self) -> tuple[dict[str, float], list[dict[str, Any]], tuple[bytes, ...]]:
        """The usage of this process, and the figures drawn since the last report."""
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):  # the candidate may have closed or replaced it
                stream.flush()
        words, blobs = self._figures.take()
        used = usage()
        return used | {"cpu_seconds": used["cpu_seconds"] - self._spent}, words, blobs

    def _at(self, place: tuple[Any, ...]) -> Any:
        root, *attributes = place
        value = self._handles[root] if isinstance(root, int) else self._world.names[root]
        for name in attributes:
            value = getattr(value, name)
        return value

    # ---- messages

    def _take(self, frame: bytes) -> None:
        (number, verb, content, dropped), objects = read(frame, self._load)
        if verb in {"result", "error"}:
            self._resolve(*content, failed=verb == "error")
        elif verb == "cancel":
            task = self._tasks.get(content[0])
            if task is not None:
                task.cancel()
        else:
            call = TargetCall(number, frame, objects, self._load)
            if verb in _PLACED and isinstance(content[0][0], int):
                call.outer = self._origins.get(content[0][0])
            self._perform(call, verb, content)
        for handle in dropped:  # now: the call may have been of one of them
            self._forget(handle)

    def _forget(self, handle: int) -> None:
        value = self._handles.pop(handle, None)
        self._handle_numbers.pop(id(value), None)
        self._origins.pop(handle, None)

    def _perform(self, call: TargetCall, verb: str, content: tuple[Any, ...]) -> None:
        token = _current.set(call)
        try:
            value = self._verbs[verb](*content)
            if _is_awaited(value, verb, content):
                self._begin(call, value, content)
                return
            self._reply(call, value, content[3] if verb == "call" else NO)
        except BaseException as error:  # noqa: BLE001 - whatever a candidate raises is reported
            self._reply_error(call, error, content[3] if verb == "call" else NO)
        finally:
            _current.reset(token)

    def _reply(self, call: TargetCall, value: Any, in_place: int = 0) -> None:
        extra = self._extra(call, value, in_place)
        if not extra and (type(value) in _ATOMS or not call.places):
            try:
                self._link.send(plain_values.dumps((call.number, "plain", value, extra)))
            except NotPlainError:
                pass
            else:
                return
        graph = encode(value, self)
        if call.has_handles:
            extra["handles"] = True
        self._link.send(plain_values.dumps((call.number, "graph", graph, extra)))

    def _extra(self, call: TargetCall, value: Any, in_place: int) -> dict[str, Any]:
        """What the call did to its arguments."""
        extra: dict[str, Any] = {**call.captured}
        if drawn := call.drawn():
            extra["drawn"] = drawn
        restores = bool(in_place & YES) or (bool(in_place & IF_NONE) and value is None)
        changed = call.changed() if call.places and (restores or call.is_small) else []
        if changed:
            extra["changed"] = [self._content(call, place) for place in changed] if restores else len(changed)
        spoiled = [name for name in self._fingerprints if self._is_spoiled(name)] if self._fingerprints else []
        if spoiled:
            extra["spoiled"] = spoiled
        return extra

    def _content(self, call: TargetCall, place: int) -> tuple[int, object]:
        value = call.at(place)
        return place, encode(value, _ByValue(self, value))

    def _reply_error(self, call: TargetCall, error: BaseException, in_place: int) -> None:
        """Send an exception, with what the call did to its arguments before it raised."""
        try:
            extra = self._extra(call, None, in_place)
        except Exception as unsendable:  # noqa: BLE001 - whatever an argument raises while it is read
            error, extra = unsendable, {**call.captured}
        fault = None if isinstance(error, _SILENT) else self._world.sources.tell(error)
        targets = {id(self._world.names.get(target.name)) for target in self._world.targets}
        description = self.handle(error) if any(id(kind) in targets for kind in type(error).__mro__[:-1]) else None
        self._link.send(
            plain_values.dumps((call.number, "raised", (encode_error(error, self), fault, description), extra))
        )

    # ---- what the encoder asks (crossing.Sending)

    def reference(self, value: object) -> int | None:
        """The number of an object of the examiner's that this is, unchanged."""
        number = self._proxy_numbers.get(id(value))
        if number is not None:
            return -number - 1
        call = call_of(value)
        if call is None or not call.is_unchanged(value):
            return None
        return (call.number << FRAME) | call.places[id(value)]

    def handle(self, value: object) -> object:
        """Keep an object here. Returns its number, its class, the target that is its class, and its abilities."""
        number = self._handle_numbers.get(id(value))
        call = _current.get()
        if number is None:
            number = self._handle_numbers[id(value)] = next(self._numbers)
            self._handles[number] = value
            if call is not None:
                self._origins[number] = call
        if call is not None:
            call.has_handles = True
        kind = type(value)
        target = next(
            (contract.name for contract in self._world.targets if self._world.names.get(contract.name) is kind), ""
        )
        return (number, str(kind.__name__)[:80], target, (*_abilities(kind), *_drawn_as(kind)))

    # ---- what arrives

    def _load(self, reference: Reference) -> object:
        word, number, *more = reference
        if word == "name":
            return self._world.names[number]
        if word == "handle":
            return self._handles[number]
        if word == "class":
            return self.classes.at(number)
        if number not in self._proxies:
            self._proxies[number] = value = self._make(word, number, more)
            self._proxy_numbers[id(value)] = number
        return self._proxies[number]

    def _make(self, word: str, number: int, more: list[Any]) -> object:
        if word == "shared":
            value = self._world.names[more[0]]
            self._fingerprints[more[0]] = fingerprint(value)
            return value
        if word == "iterator":
            return IteratorProxy(lambda: self._call_back(number, "next", (), {}))
        if word == "awaitable":
            return self._awaitable(number, is_coroutine=more[0])
        if word == "mock":
            return self._mock(number, *more)
        name, doc, asynchronous, parameters = more
        if asynchronous:

            async def call_back_async(*args: Any, **kwargs: Any) -> Any:
                return await self._call_back_async(number, args, kwargs)

            proxy: Any = call_back_async
        else:

            def call_back(*args: Any, **kwargs: Any) -> Any:
                return self._call_back(number, "call", args, kwargs)

            proxy = call_back
        proxy.__name__, proxy.__qualname__, proxy.__doc__, proxy.__module__ = name, name, doc, "__main__"
        if parameters is not None:
            proxy.__signature__ = _signature(parameters)
        return proxy

    def _awaitable(self, number: int, *, is_coroutine: bool) -> object:
        async def call_back() -> Any:
            return await self._call_back_async(number, (), {}, "await")

        return call_back() if is_coroutine else AwaitableProxy(call_back)

    def _mock(self, number: int, name: str, asynchronous: bool, magic: bool) -> object:
        def back(verb: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            return self._call_back(number, verb, args, kwargs)

        async def back_async(verb: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            return await self._call_back_async(number, args, kwargs, verb)

        kind = MagicMockProxy if magic else MockProxy
        return type(name, (kind,), {})(back, back_async if asynchronous else None)

    def _is_spoiled(self, name: str) -> bool:
        now = fingerprint(self._world.names[name])
        spoiled = now != self._fingerprints[name]
        self._fingerprints[name] = now
        return spoiled

    # ---- calls back

    def _call_back(self, number: int, verb: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call an object of the examiner's, and serve requests until the result is there."""
        with self._lock:
            request = -next(self._numbers)
            self._link.send(plain_values.dumps((request, "callback", encode((number, verb, args, kwargs), self), {})))
            while True:
                frame = self._link.receive()
                (_, word, content, _), _ = read(frame, self._load)
                if word in {"result", "error"} and content[0] == request:
                    return _value(content[1], failed=word == "error")
                self._take(frame)

    async def _call_back_async(
        self, number: int, args: tuple[Any, ...], kwargs: dict[str, Any], verb: str = "call"
    ) -> Any:
        import asyncio

        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # the candidate runs a loop of its own: nothing reads the link meanwhile
            return self._call_back(number, verb, args, kwargs)
        request = -next(self._numbers)
        self._answers[request] = future = loop.create_future()
        self._link.send(plain_values.dumps((request, "callback", encode((number, verb, args, kwargs), self), {})))
        return await future

    def _resolve(self, request: int, value: Any, *, failed: bool) -> None:
        future = self._answers.pop(request, None)
        if future is not None and not future.done():
            if failed:
                future.set_exception(value)
            else:
                future.set_result(value)

    # ---- coroutines

    def _begin(self, call: TargetCall, value: Any, content: tuple[Any, ...]) -> None:
        """Run a coroutine, and serve requests until no coroutine runs."""
        import asyncio

        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        loop = self._loop
        task = loop.create_task(self._finish(call, value, content))
        self._tasks[call.number] = task
        task.add_done_callback(lambda _: self._tasks.pop(call.number, None))
        if not loop.is_running():
            loop.add_reader(self._link.fileno(), self._on_readable)
            loop.run_until_complete(self._until_idle())
            loop.remove_reader(self._link.fileno())

    async def _finish(self, call: TargetCall, value: Any, content: tuple[Any, ...]) -> None:
        in_place = content[3] if len(content) > 3 else NO  # noqa: PLR2004
        try:
            result = await value
            self._reply(call, result, in_place)
        except BaseException as error:  # noqa: BLE001 - whatever a candidate raises is reported
            self._reply_error(call, error, in_place)

    async def _until_idle(self) -> None:
        import asyncio

        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))
            await asyncio.sleep(0)

    def _on_readable(self) -> None:
        try:
            self._take(self._link.receive())
            while self._link.has_frame:
                self._take(self._link.receive())
        except EOFError:
            os._exit(0)


class IteratorProxy:
    """Forwards to an iterator of the examiner's."""

    def __init__(self, step: Callable[[], Any]) -> None:
        self._step = step

    def __iter__(self) -> IteratorProxy:
        return self

    def __next__(self) -> Any:
        return self._step()


class AwaitableProxy:
    """Forwards to a future or task of the examiner's, which may be awaited more than once."""

    def __init__(self, begin: Callable[[], Any]) -> None:
        self._begin = begin

    def __await__(self) -> Any:
        return self._begin().__await__()


class _ByValue:
    """Answers the encoder as the process does, but one object is sent by value."""

    def __init__(self, process: CandidateProcess, value: object) -> None:
        self.classes, self._process, self._value = process.classes, process, value

    def reference(self, value: object) -> int | None:
        """Every argument is sent by reference: it is unchanged, or its content is sent as well."""
        if value is self._value:
            self._value = None
            return None
        call = call_of(value)
        return self._process.reference(value) if call is None else (call.number << FRAME) | call.places[id(value)]

    def handle(self, value: object) -> object:
        """As the process."""
        return self._process.handle(value)


def _abilities(kind: object) -> tuple[str, ...]:
    """Abilities of the instances of a class, not of its metaclass; none for what is no class."""
    members = {name for base in kind.__mro__ for name in vars(base)} if isinstance(kind, type) else set()
    return tuple(ability for ability, method in _ABILITIES if method in members)


def _beyond(kind: object) -> tuple[str, ...]:
    """Other special methods of a class, which its stub need not declare."""
    members = {name for each in kind.__mro__[:-1] for name in vars(each)} if isinstance(kind, type) else set()
    return tuple(sorted(members & BEYOND))


def _attributes(name: str, value: Any, text: str) -> tuple[str, ...]:
    """Whether a function has or gets attributes, as one does that counts or caches its calls; whether it streams."""
    if isinstance(value, type) or not callable(value):
        return ()
    has_attributes = type(value) is not FunctionType or vars(value).keys() - {"__wrapped__"}
    abilities = ("attributes",) if has_attributes or re.search(rf"\b{name}\.[a-z]", text) else ()
    return (*abilities, "streams") if _streams(value) else abilities


def _streams(function: Any) -> bool:
    """Whether calls of a function, or of the one that it wraps, make asynchronous generators."""
    for _ in range(_DEEPEST):
        function = getattr(function, "__wrapped__", function)
    return type(function) is FunctionType and bool(function.__code__.co_flags & CO_ASYNC_GENERATOR)


def _drawn_as(kind: type) -> tuple[str, ...]:
    """The nearest Matplotlib class in the MRO, whose objects stay here."""
    bases = (base for base in kind.__mro__ if base.__module__.partition(".")[0] == "matplotlib")
    return tuple(f"is {base.__module__}:{base.__qualname__}" for base in islice(bases, 1))


def call_of(value: object) -> TargetCall | None:
    """The current call, or one around it, that has this object among its arguments."""
    call = _current.get()
    while call is not None and id(value) not in call.places:
        call = call.outer
    return call


def _is_awaited(value: Any, verb: str, content: tuple[Any, ...]) -> bool:
    """Whether the examiner waits for the result of a coroutine, not for the coroutine."""
    if verb == "special":
        return content[1] in {"__await__", "__anext__", "__aenter__", "__aexit__"}
    return verb == "call" and bool(content[3] & ASYNC) and isinstance(value, CoroutineType)


def _value(value: Any, *, failed: bool) -> Any:
    if failed:
        raise value
    return value


def _signature(parameters: list[tuple[str, int, bool]]) -> Any:
    import inspect

    signature_parameters = [
        inspect.Parameter(name, inspect._ParameterKind(kind), default=... if optional else inspect.Parameter.empty)  # noqa: SLF001
        for name, kind, optional in parameters
    ]
    with suppress(ValueError):
        return inspect.Signature(signature_parameters)
    return None
