"""Plotly's figures, as their JSON form."""

from __future__ import annotations

import sys
from typing import Any

from .kind import Decoding, Encoding, Node, ValueKind, count, expect

NAME = "plotly"


def describe(value: Any, _: Encoding) -> Node | None:
    """The node of a figure; None for other objects of Plotly's."""
    base = sys.modules.get("plotly.basedatatypes")
    if base is None or not isinstance(value, base.BaseFigure):
        return None
    return "go.figure", None, [value.to_plotly_json()]


def _make(_: Any, children: list[Any], __: Decoding) -> object:
    import plotly.graph_objects as go

    parts = expect(count(children, 1)[0], dict)
    return go.Figure(parts, skip_invalid=False)


def same(value: Any, other: Any, pair: Any) -> bool | None:
    """Whether two figures have the same JSON form."""
    return pair(value.to_plotly_json(), other.to_plotly_json()) if hasattr(value, "to_plotly_json") else None


def put_back(target: Any, new: Any) -> bool:
    """Gives a figure the content of another."""
    if not hasattr(target, "to_plotly_json"):
        return False
    vars(target).clear()
    vars(target).update(vars(new))
    return True


KINDS = {"go.figure": ValueKind(_make)}
