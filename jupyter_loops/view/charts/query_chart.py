"""Any query as a chart: one column across, one up, one for the colour."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_loops.view.palette import SERIES

from .figure_frame import frame, label

if TYPE_CHECKING:
    from .chart import Chart


class Numbers(NamedTuple):
    """One entry a row of the query; `color` is None where no column was named for it."""

    x: list[Any]
    y: list[float | None]
    color: list[str] | None
    names: tuple[str, str, str]  # of the three columns


def numbers(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], x: str | None, y: str | None, color: str | None
) -> Numbers:
    """Choose the columns: `x` is the first, `y` the first other one of numbers. Raises ValueError for what is not."""
    for name in filter(None, (x, y, color)):
        if name not in columns:
            raise ValueError(f"there is no column {name}; there are {', '.join(columns)}")
    x = x or next((name for name in columns if name not in {y, color}), columns[0])
    y = y or next((name for name in columns if name not in {x, color} and _numeric(_column(columns, rows, name))), None)
    if y is None or not _numeric(_column(columns, rows, y)):
        raise ValueError(f"a chart needs a column of numbers for --y{f', and {y} is none' if y else ''}")
    up = [None if value is None else float(value) for value in _column(columns, rows, y)]
    colours = [label(value) for value in _column(columns, rows, color)] if color else None
    return Numbers([_place(value) for value in _column(columns, rows, x)], up, colours, (x, y, color or ""))


def figure(drawn: Numbers, kind: str | None = None) -> Chart:
    """One trace a colour. Without a kind: a line over numbers and times, bars over words."""
    across, up, by = map(label, drawn.names)
    kind = kind or ("bar" if any(isinstance(value, str) for value in drawn.x) else "line")
    chart = frame(f"{up} by {across}", x=across, y=up, showlegend=bool(by))
    chart.update_xaxes(tickformat=None)
    for place, colour in enumerate(dict.fromkeys(drawn.color or [""])):
        rows = [n for n in range(len(drawn.x)) if not drawn.color or drawn.color[n] == colour]
        shade = SERIES[place % len(SERIES)]
        _trace(chart, kind, shade, x=[drawn.x[n] for n in rows], y=[drawn.y[n] for n in rows], name=colour or up)
    return chart.of(drawn)


def _trace(chart: Chart, kind: str, shade: str, **places: Any) -> None:
    if kind == "bar":
        chart.add_bar(marker={"color": shade}, **places)
    elif kind == "box":
        chart.add_box(marker={"color": shade}, **places)
    else:
        filled = {"fill": "tozeroy"} if kind == "area" else {}
        mode = "markers" if kind == "scatter" else "lines+markers"
        chart.add_scatter(mode=mode, line={"color": shade}, marker={"color": shade}, **filled, **places)


def _column(columns: Sequence[str], rows: Sequence[Sequence[Any]], name: str) -> list[Any]:
    at = list(columns).index(name)
    return [row[at] for row in rows]


def _numeric(values: Sequence[Any]) -> bool:
    present = [value for value in values if value is not None]
    return all(isinstance(value, int | float | Decimal) and not isinstance(value, bool) for value in present)


def _place(value: Any) -> Any:
    """Numbers and times as they are, anything else as text that carries no markup."""
    return value if value is None or isinstance(value, int | float | dt.date) else label(value)
