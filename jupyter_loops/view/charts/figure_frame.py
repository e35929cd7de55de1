"""What all charts have in common: transparent ground, grey text, quiet grid; readable on light and on dark."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from jupyter_loops.view.clip import line
from jupyter_loops.view.palette import GROUND, LINE, TEXT

if TYPE_CHECKING:
    from .chart import Chart

BESIDE = {"orientation": "v", "x": 1.02, "xanchor": "left", "y": 1, "yanchor": "top"}  # a legend of many entries
_ROOM = 25  # numbers that fit beside each other


def frame(title: str, *, x: str, y: str, **layout: Any) -> Chart:
    """An empty figure with labelled axes."""
    from .chart import Chart

    axis = {"gridcolor": LINE, "zerolinecolor": LINE, "linecolor": LINE, "automargin": True}
    return Chart(
        layout={
            "title": {"text": title, "font": {"size": 15}, "x": 0, "xref": "paper"},
            "template": "none",
            "paper_bgcolor": GROUND,
            "plot_bgcolor": GROUND,
            "font": {"color": TEXT, "size": 12},
            "height": 320,
            "margin": {"l": 60, "r": 60, "t": 56, "b": 48},
            "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 1, "xanchor": "right"},
            "hoverlabel": {"font": {"family": "monospace"}},
            "xaxis": {**axis, "title": {"text": x}, "tickformat": "d"},
            "yaxis": {**axis, "title": {"text": y}, "rangemode": "tozero"},
            **layout,
        }
    )


def tick_distance(counted: Sequence[int]) -> int | None:
    """The tick distance of an axis that counts: every number while there is room, otherwise Plotly's choice."""
    return 1 if not counted or max(counted) - min(counted) <= _ROOM else None


def label(text: object) -> str:
    """Untrusted text for a label: Plotly draws a subset of HTML in them, links included."""
    return escape(line(text, 160), quote=False)
