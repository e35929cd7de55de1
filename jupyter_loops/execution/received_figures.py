"""Turns the figures that a child has sent into values of ours, or leaves them out."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from jupyter_loops.core.candidate import Figure
from jupyter_loops.core.redaction import clean, redact

from . import border, png
from .channel import GarbageError

_MOST = 4
_LIMIT = 512 * 1024  # bytes of one
_WORDS = 80  # characters of a name, of an end of a range
_AXES = ("x", "y", "z", "values")


def read(message: Mapping[str, Any], blobs: Sequence[bytes]) -> tuple[Figure, ...]:
    """The figures of a reply; one that is not what it says is left out. Raises Garbage where they do not add up."""
    told = message.get("figures") or []
    if not isinstance(told, list) or len(told) > _MOST or len(told) != len(blobs):
        raise GarbageError("figures")
    found, left = [], png.MOST  # bytes of pixels, of all together
    for words, content in zip(told, blobs, strict=True):
        if not isinstance(words, dict):
            raise GarbageError("figure is not an object")
        figure = _figure(border.field(words, "kind", str), border.text(words, "title", 100), content, left)
        if figure is not None:
            found.append(figure)
            left -= png.size(base64.b64decode(figure.content)) if figure.kind == "png" else 0
    return tuple(found)


def _figure(kind: str, title: str, content: bytes, most: int) -> Figure | None:
    if len(content) > _LIMIT:
        return None
    try:
        if kind == "png":
            clean, width, height = png.read(content, most)
            text = base64.b64encode(clean).decode()
            return Figure(kind=kind, title=title, width=width, height=height, content=text)
        return Figure(kind="plotly", title=title, content=_plotly(content)) if kind == "plotly" else None
    except (ValueError, RecursionError, GarbageError):
        return None


def _plotly(content: bytes) -> str:
    """The JSON again, with the fields that are ours and of the types that we expect."""
    value = json.loads(content)
    if not isinstance(value, dict):
        raise GarbageError("figure")
    traces = [_trace(trace) for trace in border.field(value, "traces", list)[:20]]
    figure = value.get("figure")
    if not (isinstance(figure, dict) and isinstance(figure.get("data"), list) and figure.keys() <= {"data", "layout"}):
        figure = None
    return json.dumps({"traces": traces, "more": border.field(value, "more", int), "figure": clean(figure)})


def _trace(trace: Any) -> dict[str, Any]:
    if not isinstance(trace, dict):
        raise GarbageError("trace")
    told: dict[str, Any] = {name: border.text(trace, name, _WORDS) for name in ("type", "name")}
    told["points"] = border.field(trace, "points", int)
    for axis in _AXES:
        ends = trace.get(axis)
        if isinstance(ends, list) and len(ends) == 2 and all(type(end) is str for end in ends):  # noqa: PLR2004 - both
            told[axis] = [redact(end)[:_WORDS] for end in ends]
    return told
