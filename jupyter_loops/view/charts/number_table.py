"""The numbers of a chart as a table, for screen readers and plain text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jupyter_loops.view.table import Table

_NEWEST = 50  # rows


def table(title: str, numbers: Sequence[Any]) -> Table:
    """The lists of a NamedTuple as columns, the newest 50 rows of them."""
    names = getattr(numbers, "_fields", ())
    columns = {
        name.replace("_", " "): column for name, column in zip(names, numbers, strict=True) if isinstance(column, list)
    }
    rows = [[_cell(value) for value in row] for row in zip(*columns.values(), strict=True)]
    omitted = len(rows) - _NEWEST
    note = f"{title}; the first {omitted} rows are left out" if omitted > 0 else title
    return Table(list(columns), rows[-_NEWEST:], note)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
