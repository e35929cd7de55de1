"""What a query gave: rows in memory that outlive the lease of the file."""

from __future__ import annotations

import datetime as dt
import html
import math
import os
import re
import unicodedata
import weakref
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from .lease import forget, run

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

LIMIT = 50  # rows that are shown, unless asked for otherwise
WIDTH = 60  # characters of a value that are shown in text
SHOWN = 48  # characters of a cell in HTML: as wide as is readable beside others
HASH = 13  # characters of a SHA-256
CLIP = 2000  # characters of a value that are shown in HTML
SAVED = 60_000  # characters of all values together, more or less, before each is clipped shorter
MIME = "application/vnd.jupyter-loops.table.v1+json"


class Result:
    """The rows of one query. Values are untrusted: shown escaped, never as markup."""

    def __init__(self, session: DuckDBPyConnection, limit: int = LIMIT, note: str = "") -> None:
        """`session` has the rows in its temporary table `result`; `note` is shown below them."""
        self._session, self.limit, self.note = session, limit, note
        _RESULTS.add(self)
        described = run(session, "SELECT column_name, column_type FROM (DESCRIBE temp.result)")
        self.columns: list[str] = [name for name, _ in described]
        self.types: list[str] = [kind for _, kind in described]
        self._length = int(run(session, "SELECT count(*) FROM temp.result")[0][0])

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.rows)

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        """All rows as Python values; timestamps are UTC without a zone."""
        return self.fetchall()

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All rows as Python values; timestamps are UTC without a zone."""
        return run(self._session, "FROM temp.result")

    def dicts(self) -> list[dict[str, Any]]:
        """All rows, each as column → value."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def df(self) -> pd.DataFrame:
        """A pandas DataFrame."""
        frame: pd.DataFrame = self._session.sql("FROM temp.result").df()
        return frame

    def arrow(self) -> pa.Table:
        """A pyarrow Table."""
        return self._session.sql("FROM temp.result").to_arrow_table()

    def rel(self) -> DuckDBPyRelation:
        """A DuckDB relation over the rows, to go on with in Python; it reaches no file."""
        return self._session.sql("FROM temp.result")

    def head(self) -> list[tuple[Any, ...]]:
        """The rows that are shown."""
        return run(self._session, "FROM temp.result LIMIT $limit", {"limit": self.limit})

    def _count(self) -> str:
        rows = f"{self._length:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
        shown = min(self.limit, self._length)
        part = "" if shown == self._length else f"{shown} of "
        counted = f"{part}{rows} row{'' if (part, self._length) == ('', 1) else 's'}"
        return f"{counted}; {self.note}" if self.note else counted

    def __repr__(self) -> str:
        body = [[_line(value) for value in row] for row in self.head()]
        widths = [max(map(_width, column)) for column in zip(self.columns, *body, strict=True)]
        lines = [
            "  ".join(
                _pad(cell, width, right=number)
                for cell, width, number in zip(row, widths, self._numbers(), strict=True)
            )
            for row in [self.columns, ["─" * width for width in widths], *body]
        ]
        return "\n".join([*(line.rstrip() for line in lines), self._count()])

    def _repr_html_(self) -> str:
        columns = [*zip(self.columns, self._numbers(), strict=True)]
        head = "".join(f"<th{_style(number)}>{html.escape(name)}</th>" for name, number in columns)
        rows = (zip(row, self._numbers(), strict=True) for row in self.head())
        body = "".join(f"<tr>{''.join(_cell(value, number) for value, number in row)}</tr>" for row in rows)
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        return f'<div style="overflow-x:auto">{table}</div><p>{html.escape(self._count())}</p>'

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        """Rows for the JupyterLab extension, which sorts them; a table for everything else that draws; text."""
        return {MIME: self._table(), "text/html": self._repr_html_(), "text/plain": repr(self)}

    def _table(self) -> dict[str, Any]:
        rows, clip = self.head(), self._clip()
        order = {str(at): [_finite(row[at]) for row in rows] for at, number in enumerate(self._numbers()) if number}
        shown = [[None if value is None else _clipped(_text(value), clip) for value in row] for row in rows]
        return {"columns": self.columns, "rows": shown, "order": order, "note": self._count()}

    def _clip(self) -> int:
        """Characters of a value, so that a saved result stays small whatever is in it."""
        cells = max(1, min(self.limit, self._length) * len(self.columns))
        return max(WIDTH, min(CLIP, SAVED // cells))

    def _numbers(self) -> Sequence[bool]:
        return [
            kind in {"DOUBLE", "FLOAT", "BIGINT", "INTEGER", "HUGEINT"} or kind.startswith("DECIMAL")
            for kind in self.types
        ]


_SHA256 = re.compile(r"[0-9a-f]{64}")
_RESULTS: weakref.WeakSet[Result] = weakref.WeakSet()


def _after_fork() -> None:
    for result in list(_RESULTS):
        forget(result._session)  # noqa: SLF001 - its own module


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _text(value: object) -> str:
    """A value as people read it."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return str(value)


def _line(value: object, width: int = WIDTH) -> str:
    """A value in one line of plain text, without control characters; of a hash only its beginning."""
    text = _text(value)
    width = HASH if _SHA256.fullmatch(text) else width
    if len(text) > width:
        text = text[: width - 1] + "…"
    return "".join(char if unicodedata.category(char)[0] != "C" else " " for char in text)


def _finite(value: Any) -> float | None:
    number = None if value is None else float(value)
    return number if number is not None and math.isfinite(number) else None


def _style(number: bool) -> str:
    return ' nowrap align="right"' if number else " nowrap"


def _cell(value: object, number: bool) -> str:
    """One line of a value; NULL is told apart from an empty text."""
    words = "<i>NULL</i>" if value is None else html.escape(_line(value, SHOWN))
    return f"<td{_style(number)}>{words}</td>"


def _clipped(text: str, clip: int) -> str:
    return f"{text[:clip]} … ({len(text):,} characters)" if len(text) > clip else text


def _width(text: str) -> int:
    """Terminal columns: East Asian wide characters take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def _pad(text: str, width: int, *, right: bool) -> str:
    gap = " " * (width - _width(text))
    return gap + text if right else text + gap
