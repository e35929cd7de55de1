"""Exceptions: as the nearest class that both sides have, with their messages."""

from __future__ import annotations

import builtins
import importlib
import sys
from typing import Any

from .instances import behaviour_of, is_special, restore_state, state_of
from .kind import Decoding, Encoding, Node, ValueKind, count, expect, fields
from .plain_values import ATOMS, dumps
from .refusal import UnreadableError

_LONGEST = 20_000  # characters of a text, bytes of arguments
_MODULES = (
    *("builtins", "json", "decimal", "re", "zoneinfo", "asyncio", "concurrent.futures", "sqlite3", "subprocess"),
    *("struct", "zlib", "binascii", "csv", "copy", "queue", "configparser", "statistics", "shutil", "dataclasses"),
    *("numpy.exceptions", "numpy.linalg", "pandas.errors", "polars.exceptions", "pyarrow.lib", "networkx"),
)
_Reference = str | int


def of_error(error: BaseException, encoding: Encoding) -> Node:
    """The node of an exception, with its cause and context, one step."""
    reference, kind = _nearest(type(error), encoding)
    if isinstance(error, BaseExceptionGroup):
        return "group", (reference, _message(error), _notes(error)), list(error.exceptions)
    state = _state(error, kind, complete=type(reference) is int)
    causes = () if any(error is cause for cause in encoding.causes) else (error.__cause__, error.__context__)
    encoding.causes.extend(cause for cause in causes if cause is not None)
    payload = (reference, _arguments(error, kind), _notes(error), tuple(state), error.__suppress_context__)
    return "error", payload, [*(causes or (None, None)), *state.values()]


def bare(error: BaseException) -> Node:
    """The node of an exception of which nothing can be read but its class and text."""
    kind = next((base for base in type(error).__mro__ if vars(builtins).get(base.__name__) is base), Exception)
    name = "Exception" if issubclass(kind, BaseExceptionGroup) else kind.__name__
    return "error", (f"builtins:{name}", (text_of(error),), (), (), False), ()


def text_of(error: BaseException) -> str:
    """The message of an exception, or that it cannot be read."""
    try:
        return str.__str__(str(error))[:_LONGEST]
    except BaseException as fault:  # noqa: BLE001
        return f"(its text cannot be had: {type(fault).__name__})"


def _nearest(kind: type, encoding: Encoding) -> tuple[_Reference, type]:
    for base in kind.__mro__:
        number = encoding.sending.classes.number(base)
        if number is not None and encoding.sending.classes.rebuilds(base, error=True):
            return number, base
        for module in _MODULES:
            if vars(sys.modules.get(module, builtins)).get(base.__name__) is base:
                return f"{module}:{base.__name__}", base
    return "builtins:Exception", Exception


def _message(error: BaseExceptionGroup[Any]) -> str:
    return str.__str__(error.message)[:_LONGEST]


def _arguments(error: BaseException, kind: type) -> tuple[Any, ...]:
    arguments = error.args
    if isinstance(error, OSError) and len(arguments) == 2 and type(error.filename) is str:  # noqa: PLR2004
        arguments = (*arguments, error.filename)
    overrides_str = _str_of(type(error)) is not _str_of(kind)
    try:
        fits = type(arguments) is tuple and len(dumps(arguments)) <= _LONGEST
    except Exception:  # noqa: BLE001
        fits = False
    return arguments if fits and not overrides_str else (text_of(error),)


def _str_of(kind: type) -> object:
    return kind.__str__


def _notes(error: BaseException) -> tuple[str, ...]:
    notes = vars(error).get("__notes__")
    return tuple(note[:_LONGEST] for note in notes if type(note) is str) if type(notes) is list else ()


def _state(error: BaseException, kind: type, *, complete: bool) -> dict[str, object]:
    if complete and kind is type(error):
        return state_of(error, kind)
    return {
        name: value
        for name, value in vars(error).items()
        if not is_special(name) and type(value) in ATOMS and behaviour_of(kind, name) is None
    }


def _class(reference: Any, decoding: Decoding) -> Any:
    if type(reference) is int:
        kind: Any = decoding.receiving.classes.at(reference)
        allowed = decoding.receiving.classes.rebuilds(kind, error=True)
    else:
        module, _, name = expect(reference, str).partition(":")
        allowed = module in _MODULES
        kind = vars(importlib.import_module(module)).get(name) if allowed else None
    if not allowed or not isinstance(kind, type) or not issubclass(kind, BaseException):
        raise UnreadableError("it is no known exception")
    return kind


def _make_error(payload: Any, _: list[Any], decoding: Decoding) -> object:
    reference, arguments, notes, _names, _suppressed = fields(payload, type(payload[0]), tuple, tuple, tuple, bool)
    kind = _class(reference, decoding)
    if issubclass(kind, BaseExceptionGroup):
        raise UnreadableError("a group has members")
    error = _construct(kind, arguments)
    return _with_notes(error, notes)


def _construct(kind: Any, arguments: tuple[Any, ...]) -> BaseException:
    base: Any = next(builtin for builtin in kind.__mro__ if vars(builtins).get(builtin.__name__) is builtin)
    error: BaseException = base.__new__(kind, *arguments)
    try:
        base.__init__(error, *arguments)
    except TypeError:
        error.args = arguments
    return error


def _with_notes(error: BaseException, notes: tuple[Any, ...]) -> BaseException:
    for note in notes:
        BaseException.add_note(error, expect(note, str))
    return error


def _fill_error(target: Any, payload: Any, children: list[Any], _: Decoding) -> None:
    names, suppressed = payload[3], payload[4]
    cause, context, *values = count(children, 2 + len(names))
    if not all(linked is None or isinstance(linked, BaseException) for linked in (cause, context)):
        raise UnreadableError("a cause is no exception")
    restore_state(target, type(target), names, values)
    target.__cause__, target.__context__, target.__suppress_context__ = cause, context, suppressed


def _make_group(payload: Any, children: list[Any], decoding: Decoding) -> object:
    reference, message, notes = fields(payload, type(payload[0]), str, tuple)
    kind = _class(reference, decoding)
    if not issubclass(kind, BaseExceptionGroup) or not all(isinstance(member, BaseException) for member in children):
        raise UnreadableError("it is no group of exceptions")
    return _with_notes(BaseExceptionGroup.__new__(kind, message, children), notes)


KINDS = {"error": ValueKind(_make_error, _fill_error), "group": ValueKind(_make_group)}
