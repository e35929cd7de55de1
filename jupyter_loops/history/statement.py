"""One SQL statement over the history: read-only unless asked, values bound and never pasted into the text."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from jupyter_loops.errors import QueryError

from .lease import Cursor, run
from .quack import RemoteCursor

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, Statement

READS = frozenset({"SELECT", "EXPLAIN", "MULTI"})  # MULTI is what PIVOT becomes
WRITES = frozenset({"INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER", "MERGE_INTO"})


def statements(query: str) -> list[Statement]:
    """The statements of a text. Raises QueryError with DuckDB's own caret."""
    import duckdb

    try:
        with _parser().cursor() as parser:
            parsed = parser.extract_statements(query)
    except duckdb.Error as error:
        raise QueryError(str(error)) from error
    if not parsed:
        raise QueryError("there is no SQL statement")
    if not all(statement.query for statement in parsed):  # its steps, which have no text
        raise QueryError("PIVOT needs DuckDB 2 here; with DuckDB 1.5, write it as SELECT with GROUP BY")
    return parsed


@cache
def _parser() -> DuckDBPyConnection:
    """A connection that only reads statements. DuckDB's own for this purpose outlives every fork, and none survives."""
    import duckdb

    return duckdb.connect(config={"threads": 1})


def _before_fork() -> None:
    if _parser.cache_info().currsize:
        _parser().close()
        _parser.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork)


def parameters(query: str) -> set[str]:
    """The names of the `$name` parameters in a text."""
    return {name for statement in statements(query) for name in statement.named_parameters}


def check(query: str, values: Mapping[str, Any], *, write: bool) -> list[Statement]:
    """The statements, when they may run with these values. Raises QueryError."""
    parsed = statements(query)
    required = {name for statement in parsed for name in statement.named_parameters}
    if missing := sorted(required - set(values)):
        raise QueryError(f"no value for {', '.join('$' + name for name in missing)}")
    for statement in parsed:
        kind = statement.type.name
        if kind in WRITES and not write:
            raise QueryError(f"{kind} would change the history, and this is a query: ask with --write, or write=True")
        if kind not in READS | WRITES:
            raise QueryError(
                f"{kind} is not possible here: the history answers queries, and with --write takes changes"
            )
    return parsed


def execute(
    cursor: Cursor, parsed: Sequence[Statement], values: Mapping[str, Any], frames: Mapping[str, object]
) -> str:
    """Run the statements; the rows of the last are in the temporary table `result` then.

    Says which of the frames are not read, because the history has a table of that name; empty where none is.
    """
    import duckdb

    tables = {name for (name,) in run(cursor, "SELECT lower(table_name) FROM information_schema.tables")}
    joined = [name for name in frames if name.lower() not in tables]
    try:
        for name in joined:
            (cursor.send if isinstance(cursor, RemoteCursor) else _here(cursor).register)(name, frames[name])
        for statement in parsed:
            _keep(cursor, statement, {name: values[name] for name in statement.named_parameters})
        _without_zones(_here(cursor))
    except duckdb.Error as error:
        raise QueryError(str(error)) from error
    finally:
        for name in joined if not isinstance(cursor, RemoteCursor) else ():
            _here(cursor).unregister(name)
    hidden = [f"{name} is the history's table, and not your frame {name}" for name in frames if name not in joined]
    return "; ".join(hidden)


def _keep(cursor: Cursor, statement: Statement, values: dict[str, Any]) -> None:
    import duckdb

    text = statement.query.strip().rstrip(";")
    if statement.type.name not in {"SELECT", "MULTI"}:
        _keep_rows(_here(cursor), cursor.execute(statement, values))
        return
    if isinstance(cursor, RemoteCursor):
        cursor.keep("result", text, values)
        return
    make = "CREATE OR REPLACE TEMP TABLE result AS"
    try:
        try:
            run(cursor, f"{make} {text}", values)
        except duckdb.ParserException:  # DESCRIBE, SUMMARIZE and SHOW with DuckDB 1.5
            run(cursor, f"{make} FROM ({text}\n)", values)
    except duckdb.Error:
        run(cursor, text, values)  # the same mistake, with the caret under the text as it was written
        raise


def _here(cursor: Cursor) -> DuckDBPyConnection:
    """The cursor that holds the result, also when it comes from a server."""
    return cursor.local if isinstance(cursor, RemoteCursor) else cast("DuckDBPyConnection", cursor)


def _keep_rows(here: DuckDBPyConnection, done: Any) -> None:
    """Keep what EXPLAIN or a writing statement answered; its values are text and counts."""
    columns = [name for name, *_ in done.description or ()]
    rows = done.fetchall()
    run(here, f"CREATE OR REPLACE TEMP TABLE result ({', '.join(f'{_name(name)} VARCHAR' for name in columns)})")
    for row in rows:
        marks = ", ".join("?" * len(columns))
        run(here, f"INSERT INTO temp.result VALUES ({marks})", [*map(str, row)])  # noqa: S608 - marks only


def _without_zones(cursor: DuckDBPyConnection) -> None:
    """Timestamps with a zone as UTC without, like the history's own; Python needs no further package for them."""
    for name, kind in run(cursor, "SELECT column_name, column_type FROM (DESCRIBE temp.result)"):
        if kind == "TIMESTAMP WITH TIME ZONE":
            run(cursor, f"ALTER TABLE temp.result ALTER {_name(name)} TYPE TIMESTAMP")


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'
