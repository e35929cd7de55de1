"""Completions of a %loop_sql line or cell: options, tables, columns, the notebook's DataFrames and `$names`."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping

from .sql_line import CHARTS, SQL_OPTIONS

_TOKEN = re.compile(r"[\w.$-]*$")
_NAMED = re.compile(r"\b(?:FROM|JOIN)\s+(\w+)(?:\s+(?:AS\s+)?(\w+))?", re.IGNORECASE)
_AFTER = re.compile(r"\b(?:FROM|JOIN|DESCRIBE|SUMMARIZE)\s+$", re.IGNORECASE)
_OPTION = re.compile(r"(?:^|\s)(--[\w-]+)\s+$")
_VALUES = {"--to": ("df", "arrow", "rel", "rows", "chart"), "--chart": CHARTS}


@functools.cache
def tables() -> Mapping[str, tuple[str, ...]]:
    """Table → columns, of the schema this package writes."""
    from jupyter_loops.history.comments import described

    return {table.name: tuple(table.columns) for table in described()}


def fitting(before: str, full_text: str, namespace: Mapping[str, object]) -> list[str]:
    """What may stand at the cursor. `before` is the text up to it, `full_text` the cell with its magic."""
    token = _TOKEN.search(before)
    start = token[0] if token else ""
    return sorted(
        word
        for word in _candidates(before[: len(before) - len(start)], start, full_text, namespace)
        if _fits(word, start)
    )


def _fits(word: str, start: str) -> bool:
    return word.lower().startswith(start.lower()) and word != start


def _candidates(before: str, start: str, full_text: str, namespace: Mapping[str, object]) -> Iterable[str]:
    if start.startswith("-"):
        return [option.long for option in SQL_OPTIONS]
    if option := _OPTION.search(before):
        return _VALUES.get(option[1], ())
    if start.startswith("$"):
        return [f"${name}" for name in ("run", *namespace) if not name.startswith("_")]
    frames = [name for name, value in namespace.items() if type(value).__name__ == "DataFrame"]
    if _AFTER.search(before):
        return [*tables(), *frames]
    named = {alias or table: table for table, alias in _NAMED.findall(full_text) if table in tables()}
    if "." in start:
        alias = start.partition(".")[0]
        return [f"{alias}.{column}" for column in tables().get(named.get(alias, alias), ())]
    columns = {column for table in {*named.values(), *_unaliased(full_text)} for column in tables()[table]}
    return {*(columns or {name for every in tables().values() for name in every}), *tables(), *frames}


def _unaliased(full_text: str) -> set[str]:
    """The tables that a text reads, a keyword behind them taken for an alias or not."""
    return {table for table, _ in _NAMED.findall(full_text)} & tables().keys()
