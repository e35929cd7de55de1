"""Reads a %loop_sql line or cell: options, `name <<`, SQL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from jupyter_loops.errors import OptionError
from jupyter_loops.options import Option, units

from .line import read_options

CHARTS = ("line", "bar", "scatter", "area", "box")
SQL_OPTIONS = (
    Option(name="to", shape="KIND", read=units.choice("df", "arrow", "rel", "rows", "chart"), help="what to return"),
    Option(name="chart", shape="KIND", read=units.choice(*CHARTS), help="draw it: line, bar, scatter, area or box"),
    Option(name="x", shape="COLUMN", read=str, help="of the chart; without it the first column"),
    Option(name="y", shape="COLUMN", read=str, help="of the chart; without it the first other column of numbers"),
    Option(name="color", shape="COLUMN", read=str, help="of the chart: a line or a colour for each of its values"),
    Option(name="limit", shape="COUNT", read=units.count, help="rows to display; all of them are returned"),
    Option(name="write", help="let the statement change the history"),
    Option(name="read_only", help="ask the file as it is, even one that a newer jupyter-loops made"),
    Option(name="help", short="-h", help="show this help"),
)
_LEADING = re.compile(r"\s*(--?[A-Za-z][\w-]*(?:=\S+)?)(?=\s|$)")
_COMMENT = re.compile(
    r"""'(?:''|[^'])*'|"(?:""|[^"])*"|/\*.*?\*/|(?<!\S)(--[a-z][a-z-]*)(?![^\s=])[^\n]*|--[^\n]*""", re.DOTALL
)
_WORD = re.compile(r"\s*(\S+)")
_ASSIGNED = re.compile(r"\s*([A-Za-z_]\w*)\s*<<(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Query:
    """What to ask, and where the answer goes."""

    sql: str
    options: dict[str, Any]
    name: str = ""  # bind the answer to it instead of showing it


def read_query(text: str) -> Query:
    """Options stand before the SQL, `name <<` between them; a `-- ` comment is SQL. Raises OptionError."""
    words, statement = _leading_options(text)
    options = read_options(words, SQL_OPTIONS, {})
    if options.keys() & {"x", "y", "color", "chart"} and options.setdefault("to", "chart") != "chart":
        raise OptionError(f"--chart, --x, --y and --color draw a chart, and --to {options['to']} is another thing")
    assigned = _ASSIGNED.match(statement)
    name, sql = (assigned[1], assigned[2]) if assigned else ("", statement)
    if not sql.strip() and not options.get("help"):
        raise OptionError("there is no SQL: try %loop_sql SELECT * FROM run_summary")
    if late := _late_option(sql):
        raise OptionError(
            f"{late} stands behind the query, where SQL takes it for a comment: write it before the query"
        )
    return Query(sql.strip(), options, name)


def _late_option(sql: str) -> str:
    """An option of ours behind the SQL; empty where there is none."""
    written = {match[1] for match in _COMMENT.finditer(sql) if match[1]}
    return next((option.long for option in SQL_OPTIONS if option.long in written), "")


def _leading_options(text: str) -> tuple[list[str], str]:
    words: list[str] = []
    while match := _LEADING.match(text):
        words.append(match[1])
        text = text[match.end() :]
        valued = any(match[1] in {option.long, option.short} and option.read for option in SQL_OPTIONS)
        if valued and (value := _WORD.match(text)):
            words.append(value[1])
            text = text[value.end() :]
    return words, text
