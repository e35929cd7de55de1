"""A candidate's figures and files in the snapshot: pixels, numbers and names, nothing that could run."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from .clip import line

_PNG = re.compile(r"iVBORw0KGgo[A-Za-z0-9+/]{20,700000}={0,2}")
_SIDE = 4096
_FILES, _TRACES = 50, 20
_AXES = ("x", "y", "z", "values")


def figure(description: Mapping[str, Any]) -> dict[str, Any] | None:
    """A figure: the base64 text of a PNG, or lines of numbers; None where it is neither."""
    kind, content = description.get("kind"), str(description.get("content", ""))
    base: dict[str, Any] = {"kind": kind, "title": line(description.get("title", ""), 100), "width": 0, "height": 0}
    base |= {"png": "", "lines": []}
    if kind == "png" and _PNG.fullmatch(content):
        sides = {side: min(max(int(description.get(side) or 0), 0), _SIDE) for side in ("width", "height")}
        return base | sides | {"png": content}
    return base | {"lines": _lines(content)} if kind == "plotly" else None


def files(observation: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Name, size in bytes and place of each file."""
    return [
        {
            "name": line(file.get("name", ""), 200),
            "bytes": file.get("bytes", 0),
            "kept": line(file.get("kept", ""), 200),
        }
        for file in (observation.get("files") or ())[:_FILES]
        if isinstance(file, Mapping)
    ]


def _lines(content: str) -> list[str]:
    """One line a trace of a Plotly figure."""
    try:
        summary = json.loads(content)
        lines = [_trace(trace) for trace in summary["traces"][:_TRACES]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []
    return [*lines, f"and {summary['more']} more traces"] if summary.get("more") else lines


def _trace(trace: Mapping[str, Any]) -> str:
    ranges = [f"{axis} {trace[axis][0]} to {trace[axis][1]}" for axis in _AXES if len(trace.get(axis) or ()) > 1]
    name = f" {trace['name']}" if trace["name"] else ""
    extent = ", ".join([f"{trace['points']} points", *ranges])
    return line(f"{trace['type']}{name}: {extent}", 200)
