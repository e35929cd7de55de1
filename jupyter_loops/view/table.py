"""A small table, as text and as HTML that needs no trust."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from .clip import line

_WIDEST = 100  # characters of a cell: as wide as a screen


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of plain text under a header, and a line below them."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""

    def __repr__(self) -> str:
        """Aligned columns."""
        grid = [[line(cell, _WIDEST) for cell in row] for row in (self.header, *self.rows)]
        widths = [max(map(len, column)) for column in zip(*grid, strict=True)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in grid]
        return "\n".join([*lines, *filter(None, [self.note])])

    def _repr_html_(self) -> str:
        """Script-free; every cell escaped."""
        head = "".join(f"<th>{escape(cell)}</th>" for cell in self.header)
        body = "".join(
            f"<tr>{''.join(f'<td>{escape(line(cell, _WIDEST))}</td>' for cell in row)}</tr>" for row in self.rows
        )
        note = f"<p>{escape(self.note)}</p>" if self.note else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{note}"
