"""Validates the figures that a child has sent, and leaves out invalid ones."""

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
_WORDS = 80  # characters of a name, or of an end of a range
_AXES = ("x", "y", "z", "values")


def read(message: Mapping[str, Any], blobs: Sequence[bytes]) -> tuple[Figure, ...]:
    """The valid figures of a reply. Raises GarbageError if the message is malformed."""
    descriptions = message.get("figures") or []
    if not isinstance(descriptions, list) or len(descriptions) > _MOST or len(descriptions) != len(blobs):
        raise GarbageError("figures")
    figures, remaining = [], png.MOST  # bytes of pixels, for all figures together
    for description, content in zip(descriptions, blobs, strict=True):
        if not isinstance(description, dict):
            raise GarbageError("figure is not an object")
        kind, title = border.field(description, "kind", str), border.text(description, "title", 100)
        figure = _figure(kind, title, content, remaining)
        if figure is not None:
            figures.append(figure)
            remaining -= png.size(base64.b64decode(figure.content)) if figure.kind == "png" else 0
    return tuple(figures)


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
    """The JSON again, with only the expected fields of the expected types."""
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
    fields: dict[str, Any] = {name: border.text(trace, name, _WORDS) for name in ("type", "name")}
    fields["points"] = border.field(trace, "points", int)
    for axis in _AXES:
        ends = trace.get(axis)
        if isinstance(ends, list) and len(ends) == 2 and all(type(end) is str for end in ends):  # noqa: PLR2004 - both
            fields[axis] = [redact(end)[:_WORDS] for end in ends]
    return fields
