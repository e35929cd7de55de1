"""The examiner's client for the candidate's process: it sends calls, and rebuilds their results as data.

No answer is trusted: each is a plain value, or a graph of plain values that `crossing` validates. During a call the
candidate may call back the functions that it was passed. These run here, in the examiner.
"""

from __future__ import annotations

import inspect
import io
import os
import pickle
import threading
from collections.abc import Callable
from itertools import count
from time import perf_counter
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from jupyter_loops.execution.crossing import plain_values
from jupyter_loops.execution.crossing.change import put_back
from jupyter_loops.execution.crossing.classes import Classes
from jupyter_loops.execution.crossing.generators import move_on
from jupyter_loops.execution.crossing.graph import decode, decode_error
from jupyter_loops.execution.crossing.refusal import UnreadableError

from .arguments import ArgumentPickler, NotPlainArgument, PlainPickler, Reference, large
from .link import Link, TooLarge
from .mocks import perform_on_mock
from .overheard import Listening, items

if TYPE_CHECKING:  # its import takes long, and most cells have no use for it
    import asyncio

NO, YES, IF_NONE = 0, 1, 2  # whether a target works in place: never, always, when it returns None
ASYNC = 4  # added where its stub is asynchronous
FRAME = 32  # bits of the place of an object in one call's arguments
Place = tuple[str | int, ...]  # a name of the candidate's module or a handle's number, then attributes
_STEPS = frozenset({"__next__", "__anext__"})
_FRAMES = frozenset({"DataFrame", "Series"})
_SLACK, _SHARE, _SPEED = 0.005, 0.5, 2e8  # bounds of a reported time: seconds, fraction, bytes a second


class CandidateEndedError(BaseException):
    """The candidate's process has ended, or broke the protocol; not for `except Exception` of a check."""


class CandidateClient:
    """Calls into the candidate's process, one at a time from threads, concurrently from coroutines."""

    def __init__(self, link: Link, classes: Classes, names: dict[str, Any]) -> None:
        self.classes = classes
        self.end_reason = ""  # why the process ended; empty while it runs
        self.failure: BaseException | None = None  # an assert of the check that failed in a call back
        self.notes: dict[str, None] = {}  # notes for the user on the calls, in order
        self.stand_ins: WeakValueDictionary[int, Any] = WeakValueDictionary()  # handle → its stand-in
        self.make: Callable[[Any], Any] = lambda _: None  # makes a stand-in from the candidate's description
        self.named: dict[int, Reference] = {}  # id of a target's function or class → its reference
        self._link, self._owner = link, os.getpid()
        self._lock = threading.RLock()
        self._numbers = count(1)
        self._arguments: dict[int, dict[int, Any]] = {}  # call → its arguments' objects, by their place
        self._in_place: set[int] = set()  # calls that may change what they were handed
        self._futures: dict[int, asyncio.Future[Any]] = {}
        self._listening: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[None]] = set()  # call backs that are awaited: a loop holds them weakly
        self._exported: list[Any] = []
        self._export_numbers: dict[int, int] = {}
        self._shared = large(names)
        self._dropped: list[int] = []
        self._listens = Listening()

    # ---- calls

    def ask(self, verb: str, *content: Any) -> Any:
        """The answer to a request. Raises what the candidate raised, CandidateEndedError, UnreadableError."""
        with self._lock:  # until the answer is there: one reader at a time
            number, _ = self._send(verb, content)
            try:
                return self._result(number)
            except (StopIteration, StopAsyncIteration) as error:
                if verb == "special" and content[1] in _STEPS:
                    raise
                raise RuntimeError(f"the call raised {type(error).__name__}") from None

    def call(self, place: Place, args: tuple[Any, ...], kwargs: dict[str, Any], in_place: int = NO) -> Any:
        """Call the object at a place."""
        return self.ask("call", place, args, kwargs, in_place | self._listens.flags())

    def timed(self, place: Place, args: tuple[Any, ...], kwargs: dict[str, Any]) -> float:
        """Seconds of one call as the candidate measures it; as the examiner does, if that is implausible."""
        with self._lock:
            started = perf_counter()
            number, sent = self._send("timed", (place, args, kwargs, NO))
            reported, elapsed = self._result(number), perf_counter() - started
        least = _SHARE * elapsed - _SLACK - sent / _SPEED
        return reported if isinstance(reported, float) and max(least, 0.0) <= reported <= elapsed else elapsed

    async def ask_async(self, verb: str, *content: Any) -> Any:
        """The same from a coroutine, while others go on."""
        import asyncio

        loop = asyncio.get_running_loop()
        number, _ = self._send(verb, content)
        self._futures[number] = future = loop.create_future()
        self._listen(loop)
        try:
            return self._unwrap(await future)
        except asyncio.CancelledError:
            self._futures.pop(number, None)
            self._send("cancel", (number,))
            raise
        finally:
            if not self._futures and self._listening is loop:
                loop.remove_reader(self._link.fileno())
                self._listening = None

    def take_failure(self) -> BaseException | None:
        """The first assert of the check that failed in a call back, even if the candidate caught it."""
        failure, self.failure = self.failure, None
        return failure

    def take_notes(self) -> list[str]:
        """The notes for the user since this was last called."""
        notes, self.notes = list(self.notes), {}
        return notes

    def drop(self, handle: int) -> None:
        """Release an object of the candidate's; the next request tells it."""
        self._dropped.append(handle)

    def failed(self, error: BaseException | None) -> None:
        """Remember a failed assert of the check, which the candidate must not swallow."""
        if isinstance(error, AssertionError):
            self.failure = self.failure or error

    def swallowed(self, error: BaseException | None) -> None:
        """Remember an error that a context manager of the candidate's swallowed, where the check has to decide."""
        in_assert = getattr(error, "in_assert", False) or hasattr(error, "__candidate_fault__")
        if error is not None and (in_assert or isinstance(error, AssertionError)):
            self.failure = self.failure or error

    # ---- what the pickler asks (arguments.Owner)

    def remote_reference(self, value: object) -> Reference | None:
        """The candidate's reference for a stand-in; None for other objects."""
        reference = self.named.get(id(value))
        if reference is not None:
            return reference
        number = getattr(type(value), "__candidate__", None)
        return None if number is None else ("handle", object.__getattribute__(value, "_handle"))

    def export(self, value: object) -> int:
        """The number under which the candidate may call or read this object."""
        number = self._export_numbers.get(id(value))
        if number is None:
            number = self._export_numbers[id(value)] = len(self._exported)
            self._exported.append(value)
        return number

    def class_number(self, kind: type) -> int | None:
        """The number of a class that both processes have."""
        return self.classes.number(kind)

    def shared(self, value: object) -> str | None:
        """The name of an object that the candidate also has, unchanged."""
        return self._shared.get(id(value))

    def unshare(self, name: str) -> None:
        """Send this by value from now on: one of the two processes may change it."""
        self._shared = {key: shared for key, shared in self._shared.items() if shared != name}

    # ---- what the decoder asks (crossing.Receiving)

    def referred(self, number: int) -> object:
        """An object of the examiner's that the candidate refers to."""
        if type(number) is not int:
            raise UnreadableError("a reference that is no number")
        if number < 0 and -number - 1 < len(self._exported):
            return self._exported[-number - 1]
        call, place = number >> FRAME, number & ((1 << FRAME) - 1)
        try:
            return self._arguments[call][place]
        except KeyError:
            raise UnreadableError("a reference to nothing") from None

    def handle(self, description: object) -> object:
        """A stand-in for an object that stays in the candidate."""
        return self.make(description)

    # ---- sending and receiving

    def _encode(self, verb: str, content: tuple[Any, ...]) -> tuple[int, bytes, Any]:
        number, dropped = next(self._numbers), tuple(self._dropped)
        self._dropped.clear()
        message = (number, verb, content, dropped)
        file = io.BytesIO()
        pickler: Any = PlainPickler(file, protocol=5)
        try:
            pickler.dump(message)
        except NotPlainArgument:
            file = io.BytesIO()
            pickler = ArgumentPickler(file, self)
            pickler.dump(message)
        return number, file.getvalue(), pickler

    def _send(self, verb: str, content: tuple[Any, ...]) -> tuple[int, int]:
        """The number of the call, and how many bytes it took."""
        if self.end_reason:
            raise CandidateEndedError(self.end_reason)
        if os.getpid() != self._owner:
            raise RuntimeError("a target cannot be called from another process of the check; threads can call it")
        with self._lock:
            number, frame, pickler = self._encode(verb, content)
            if verb in {"call", "timed", "special"}:
                self._arguments[number] = _LazyArguments(pickler)
            if verb == "call" and content[3] & (YES | IF_NONE):
                self._in_place.add(number)
            self._send_frame(frame)
        return number, len(frame)

    def _send_frame(self, frame: bytes) -> None:
        try:
            self._link.send(frame)
        except EOFError:
            self._end("")

    def _result(self, number: int) -> Any:
        while (answer := self._take())[0] != number:
            self._dispatch(answer)
        return self._unwrap(answer)

    def _take(self) -> tuple[Any, ...]:
        """The next message. Raises CandidateEndedError."""
        message: Any = None
        try:
            message = plain_values.loads(self._link.receive())
        except EOFError:
            self._end("")
        except TooLarge as error:
            self._end(f"too much: {error}")
        except UnreadableError as error:
            self._end(f"garbage: {error}")
        if type(message) is not tuple or len(message) != 4 or type(message[0]) is not int:  # noqa: PLR2004
            self._end("garbage: no message")
        checked: tuple[Any, ...] = message
        return checked

    def _end(self, why: str) -> None:
        self.end_reason = self.end_reason or why or "ended"
        for future in self._futures.values():
            if not future.done():
                future.set_exception(CandidateEndedError(self.end_reason))
        self._futures.clear()
        raise CandidateEndedError(self.end_reason)

    def _dispatch(self, message: tuple[Any, ...]) -> None:
        """Handle a message other than the awaited answer: another coroutine's, or a call back."""
        number, verb, *_ = message
        if verb == "callback":
            self._call_back(message)
        elif number in self._futures:
            future = self._futures.pop(number)
            if not future.done():
                future.set_result(message)

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._listening is not loop:
            self._listening = loop
            loop.add_reader(self._link.fileno(), self._on_readable)

    def _on_readable(self) -> None:
        with self._lock:
            try:
                self._dispatch(self._take())
                while self._link.has_frame:
                    self._dispatch(self._take())
            except CandidateEndedError:
                if self._listening is not None:
                    self._listening.remove_reader(self._link.fileno())
                    self._listening = None

    # ---- answers

    def _unwrap(self, answer: tuple[Any, ...]) -> Any:
        number, outcome, payload, extra = answer
        try:
            self._read_extra(number, extra)
            if outcome == "plain":
                return payload
            if outcome == "graph":
                return decode(payload, self)
            if outcome != "raised" or type(payload) is not tuple or len(payload) != 3:  # noqa: PLR2004
                self._end("garbage: no answer")
            raise self._error(*payload)
        finally:
            if not (type(extra) is dict and extra.get("handles")):
                self._arguments.pop(number, None)

    def _error(self, graph: object, fault: object, description: object) -> BaseException:
        error = decode_error(graph, self)
        if self.failure is not None and str(error) == str(self.failure):
            self.failure = None  # it came back, for the check to judge
        if description is not None:
            stand_in = self.make(description)
            if isinstance(stand_in, BaseException):  # of a class that is a target
                BaseException.args.__set__(stand_in, error.args)  # type: ignore[attr-defined] # bypasses the forwarding
                error = stand_in
        if isinstance(fault, dict):
            error.__dict__["__candidate_fault__"] = fault  # `SourceLines.tell` reports it
        return error

    def _read_extra(self, number: int, extra: object) -> None:
        if type(extra) is not dict:
            self._end("garbage: no extra")
            return
        if extra:
            self._listens.replay(extra, lambda graph: decode_error(graph, self))
        for drawn in items(extra, "drawn"):
            self._move_on(number, drawn)
        for name in extra.get("spoiled", ()):
            self.unshare(name)
        changed, allowed = extra.get("changed"), number in self._in_place
        self._in_place.discard(number)
        if changed and (type(changed) is int or not allowed):
            self.notes[
                "a call changes its arguments in place, which the checks do not see: only a target declared "
                "with `-> None` works in place"
            ] = None
        elif changed and type(changed) is not list:
            self._end("garbage: changes without content")
        elif changed:
            self._put_back(number, changed)

    def _move_on(self, number: int, drawn: Any) -> None:
        """Advance a random number generator to the state of its copy in the candidate."""
        if type(drawn) is not tuple or len(drawn) != 2 or type(drawn[0]) is not int:  # noqa: PLR2004
            raise UnreadableError("a generator without a place")
        move_on(self.referred((number << FRAME) | drawn[0]), drawn[1])

    def _put_back(self, number: int, changed: Any) -> None:
        """Give the originals the content that a target which works in place left in its copies."""
        arguments = self._arguments.get(number, {})
        new = [(arguments[place], decode(graph, self)) for place, graph in changed if type(place) is int]
        new = [(target, value) for target, value in new if not isinstance(target, pickle.PickleBuffer)]
        frames = any(type(target).__name__ in _FRAMES for target, _ in new)
        for target, value in new:
            if getattr(type(value), "__candidate__", False):
                kind = type(target).__name__
                raise UnreadableError(f"what is done to a {kind} stays in the candidate's process; return it instead")
            try:
                put_back(target, value)
            except UnreadableError:
                if not (frames and type(target).__name__ == "ndarray"):  # else a column's, which comes with its frame
                    raise

    # ---- calls back

    def _call_back(self, message: tuple[Any, ...]) -> None:
        number, _, graph, _extra = message
        try:
            object_number, verb, args, kwargs = decode(graph, self)
            value = self._exported[object_number]
            result = self._perform(value, verb, args, kwargs)
        except CandidateEndedError:
            raise
        except BaseException as error:  # noqa: BLE001 - it is the candidate's to handle
            self.failed(error)
            self._answer(number, "error", error)
        else:
            if verb == "await" or (verb == "call" and inspect.iscoroutinefunction(value)):
                self._await(number, result)
            else:
                self._answer(number, "result", result)

    @staticmethod
    def _perform(value: Any, verb: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if verb == "call":
            return value(*args, **kwargs)
        if verb == "await":
            return value
        return next(value) if verb == "next" else perform_on_mock(value, verb, args)

    def _await(self, number: int, result: Any) -> None:
        async def finish() -> None:
            try:
                value = await result
            except BaseException as error:  # noqa: BLE001 - it is the candidate's to handle
                self.failed(error)
                self._answer(number, "error", error)
            else:
                self._answer(number, "result", value)

        if self._listening is not None:
            task = self._listening.create_task(finish())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            import asyncio

            asyncio.run(finish())

    def _answer(self, number: int, verb: str, value: Any) -> None:
        try:
            self._send_frame(self._encode(verb, (number, value))[1])
        except CandidateEndedError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever cannot be pickled
            fallback = RuntimeError(f"{type(value).__name__}: {value}") if verb == "error" else TypeError(str(error))
            self._send_frame(self._encode("error", (number, fallback))[1])


class _LazyArguments(dict[int, Any]):
    """Place → object of one call's arguments, read from the pickler on first use."""

    def __init__(self, pickler: Any) -> None:
        super().__init__()
        self._pickler = pickler

    def __missing__(self, place: int) -> Any:
        if self._pickler is None:
            raise KeyError(place)
        self.update(dict(self._pickler.memo.copy().values()))
        self._pickler = None
        return self[place]
