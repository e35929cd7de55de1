"""A small table, as text and as HTML that needs no trust."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from .clip import line

_NUMBER = re.compile(r"[-+$]{0,2}[\d,]+(\.\d+)?( ?%)?")
_LEFT, _RIGHT = (f'style="text-align:{side};white-space:nowrap"' for side in ("left", "right"))
_WIDEST = 100  # characters of a cell: as wide as a screen


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of plain text under a header, and a line below them."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""

    def __repr__(self) -> str:
        """Aligned columns, numbers to the right."""
        grid = [[line(cell, _WIDEST) for cell in row] for row in (self.header, *self.rows)]
        widths = [max(map(len, column)) for column in zip(*grid, strict=True)]
        columns = [*zip(self._numbers(), widths, strict=True)]
        lines = ["  ".join(map(_aligned, columns, row)) for row in grid]
        return "\n".join([*map(str.rstrip, lines), *filter(None, [self.note])])

    def _repr_html_(self) -> str:
        """Script-free; every cell escaped."""
        styles = [_RIGHT if number else _LEFT for number in self._numbers()]
        head = "".join(f"<th {style}>{escape(cell)}</th>" for style, cell in zip(styles, self.header, strict=True))
        body = "".join(f"<tr>{_html_row(styles, row)}</tr>" for row in self.rows)
        note = "".join(f"<p>{escape(part)}</p>" for part in self.note.splitlines())
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        return f'<div style="overflow-x:auto">{table}</div>{note}'

    def _numbers(self) -> list[bool]:
        """Of each column, whether it holds numbers alone."""
        columns = zip(*self.rows, strict=True) if self.rows else [[""]] * len(self.header)
        return [any(column) and all(_NUMBER.fullmatch(cell) for cell in column if cell) for column in columns]


def _aligned(column: tuple[bool, int], cell: str) -> str:
    number, width = column
    return cell.rjust(width) if number else cell.ljust(width)


def _html_row(styles: Sequence[str], row: Sequence[str]) -> str:
    cells = zip(styles, row, strict=True)
    return "".join(f"<td {style}>{escape(line(cell, _WIDEST))}</td>" for style, cell in cells)
