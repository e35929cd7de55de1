"""Validates the messages of a child: every field's type is checked before the kernel uses it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeVar

from jupyter_loops.core.candidate import Fault, Frame, Metric
from jupyter_loops.core.host_question import HostAnswer
from jupyter_loops.core.redaction import redact

from .channel import GarbageError

_T = TypeVar("_T")
_MESSAGE = 4000  # characters
_VALUE = 600
_KEY = 4000  # characters; longer secrets are rare
_LARGEST = 1 << 1000  # the largest integer that fits a float
_MANY = 64  # frames of a fault, values of a frame
_DIRECTIONS = frozenset({"maximize", "minimize", "equal"})


def field(message: Mapping[str, Any], name: str, kind: type[_T]) -> _T:
    """A field of exactly this type. Raises GarbageError."""
    value = message.get(name)
    if type(value) is not kind:
        raise GarbageError(f"{name} is not {kind.__name__}")
    return value


def text(message: Mapping[str, Any], name: str, limit: int = _MESSAGE) -> str:
    """A text field, clipped and redacted."""
    return _clipped(field(message, name, str), limit)


def number(message: Mapping[str, Any], name: str) -> float:
    """A finite number."""
    value = message.get(name)
    if type(value) is int and abs(value) < _LARGEST:
        return float(value)
    if type(value) is float and math.isfinite(value):
        return value
    raise GarbageError(f"{name} is not a number")


def values(message: Mapping[str, Any], name: str = "values") -> dict[str, str]:
    """Source → repr."""
    pairs = field(message, name, dict)
    if len(pairs) > _MANY or not all(type(value) is str for value in pairs.values()):
        raise GarbageError(f"{name} are not texts")
    return {_clipped(key, _VALUE): _clipped(value, _VALUE) for key, value in pairs.items()}


def _clipped(text: str, limit: int) -> str:
    """Redact before clipping, because half of a key would not be recognized."""
    return redact(text[: limit + _KEY])[:limit]


def notes(message: Mapping[str, Any]) -> tuple[str, ...]:
    """Notes on the examination for the user."""
    reported = message.get("notes", [])
    if not isinstance(reported, list) or len(reported) > _MANY or not all(type(note) is str for note in reported):
        raise GarbageError("notes")
    return tuple(note[:_VALUE] for note in reported)


def fault(message: Any) -> Fault | None:
    """An exception of the candidate's, or None."""
    if message is None:
        return None
    if not isinstance(message, dict):
        raise GarbageError("fault is not an object")
    frames = field(message, "frames", list)
    if len(frames) > _MANY:
        raise GarbageError("too many frames")
    return Fault(type=text(message, "type", 200), message=text(message, "message"), frames=tuple(map(_frame, frames)))


def tested(message: Any, what: str) -> HostAnswer:
    """The outcome of the user's tests."""
    if not isinstance(message, dict):
        raise GarbageError("tests are not an object")
    passed, failed, skipped = (field(message, name, int) for name in ("passed", "failed", "skipped"))
    problem, failures = text(message, "problem", _VALUE), field(message, "failures", list)
    if len(failures) > _MANY or not all(isinstance(failure, dict) for failure in failures):
        raise GarbageError("failures")
    details = {text(failure, "test", 200): text(failure, "message", _VALUE) for failure in failures}
    good = passed > 0 and failed == 0 and not problem
    skip_note = f" ({skipped} skipped)" if skipped else ""
    outcome = f"{passed} tests passed{skip_note}" if good else f"{failed} of {passed + failed} tests failed"
    note = f"{what}: {outcome}"
    if failed and details:
        first = next(iter(details))
        note += f"; {first.rpartition('::')[2]}: {details[first]}"
    return HostAnswer(value=good, note=f"{what}: {problem}" if problem else note, details=details)


def metric(message: Any) -> Metric | None:
    """A number that a check compared, or None."""
    if message is None:
        return None
    if not isinstance(message, dict):
        raise GarbageError("metric is not an object")
    direction = field(message, "direction", str)
    if direction not in _DIRECTIONS:
        raise GarbageError("direction")
    target = None if message.get("target") is None else number(message, "target")
    return Metric(value=number(message, "value"), target=target, direction=direction)


def _frame(message: Any) -> Frame:
    if not isinstance(message, dict):
        raise GarbageError("frame is not an object")
    where = field(message, "where", str)
    if where not in {"candidate", "check"}:
        raise GarbageError("where")
    return Frame(
        where=where,
        function=text(message, "function", 200),
        line=field(message, "line", int),
        text=text(message, "text", 400),
        values=values(message),
    )
