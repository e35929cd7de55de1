"""The comments of the schema's steps, as the documentation that the file itself holds.

One source for all readers: COMMENT ON in each new history, so that any DuckDB client shows it; `History.schema()`
and `%loops schema`; the ER picture. In the comment of a table, an "Example:" line is a query to try.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .steps import STEPS

EXAMPLE = "Example: "
# The comments in the file, as rows.
TABLES_OF_THE_FILE = """
SELECT name, kind, comment.split(chr(10))[1] AS holds, comment.split(chr(10) || 'Example: ')[2] AS example
FROM (
    SELECT table_name AS name, 'table' AS kind, comment, table_oid AS place FROM duckdb_tables()
    WHERE database_name = current_database()
    UNION ALL
    SELECT view_name, 'view', comment, view_oid FROM duckdb_views()
    WHERE database_name = current_database() AND NOT internal
) ORDER BY kind, place
"""
COLUMNS_OF_A_TABLE = """
SELECT column_name AS name, data_type AS type, comment AS description FROM duckdb_columns()
WHERE database_name = current_database() AND table_name = $name ORDER BY column_index
"""

_BLOCK = re.compile(r"((?:^-- .*\n)+)CREATE (?:OR REPLACE )?(TABLE|VIEW) (\w+) ", re.MULTILINE)
_ADDED = re.compile(r"^ALTER TABLE (\w+) ADD COLUMN (\w+) .*;\s+-- (.*)$", re.MULTILINE)
_COLUMN = re.compile(r"^    (\w+) .*?,?\s+-- (.*)$", re.MULTILINE)
_OF_A_VIEW = re.compile(r"^(\w+): (.*)$")
_READ = re.compile(r"\b(?:FROM|JOIN) (\w+)")


@dataclass(frozen=True, slots=True)
class Described:
    """A table or a view, what it holds, a query to try, and its columns that have a description."""

    name: str
    kind: str  # TABLE, VIEW
    text: str
    example: str
    columns: dict[str, str]


def described(steps: Sequence[str] = STEPS) -> list[Described]:
    """Everything that the schema says of itself after these steps, tables first."""
    relations: dict[str, Described] = {}
    for step in steps:
        for block in _BLOCK.finditer(step):
            end = step.find(";\n", block.end())
            relations[block[3]] = _described(block, step[block.end() : end], relations)
        for table, column, text in _ADDED.findall(step):
            relations[table].columns[column] = text
    return sorted(relations.values(), key=lambda relation: relation.kind)  # TABLE, VIEW; otherwise as they were made


def _described(block: re.Match[str], definition: str, relations: dict[str, Described]) -> Described:
    lines = [line.removeprefix("-- ") for line in block[1].splitlines()]
    text, example, columns = [], "", {}
    for line in lines:
        if line.startswith(EXAMPLE):
            example = line.removeprefix(EXAMPLE)
        elif block[2] == "VIEW" and (column_match := _OF_A_VIEW.match(line)):
            columns[column_match[1]] = column_match[2]
        else:
            text.append(line)
    if block[2] == "TABLE":
        columns = dict(_COLUMN.findall(definition))
    for source in _READ.findall(definition) if block[2] == "VIEW" else ():
        columns = {**(relations[source].columns if source in relations else {}), **columns}
    return Described(block[3], block[2], " ".join(text), example, columns)


def statements(present: set[tuple[str, str]], *, in_views: bool = True) -> Iterator[str]:
    """COMMENT ON for every table, view and column in `present`, which holds (table, column).

    The columns of views only with `in_views`.
    """
    tables = {table for table, _ in present}
    for table in described():
        if table.name not in tables:
            continue
        comment = f"{table.text}\n{EXAMPLE}{table.example}" if table.example else table.text
        yield f"COMMENT ON {table.kind} {table.name} IS {_quoted(comment)}"
        for column, text in table.columns.items():
            if (table.name, column) in present and (in_views or table.kind == "TABLE"):
                yield f'COMMENT ON COLUMN {table.name}."{column}" IS {_quoted(text)}'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
