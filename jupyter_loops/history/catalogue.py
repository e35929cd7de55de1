"""What a file holds besides rows: a table that is gone, and names in it that would stand for DuckDB's own.

A macro named `sha256` in the file would answer for the hash, and a view could stand where a table was. So nothing here
calls a function of which the file could have another, and what is found is compared in Python.
"""

from __future__ import annotations

from jupyter_loops.errors import HistoryError

from .audit import COMPUTED, AuditFinding
from .lease import Cursor, run

TABLES = ("events", "texts", *COMPUTED, "heads", "signatures", "lost", "corrections", "loop_memory")
FOREIGN = "SELECT function_name FROM system.main.duckdb_functions() WHERE NOT internal"
BUILT_IN = "SELECT function_name FROM system.main.duckdb_functions() WHERE internal"
# Called like functions, and not in DuckDB's list of them.
_OPERATORS = {"case", "cast", "coalesce", "ifnull", "nullif", "try", "try_cast", "unnest"}
HERE = "SELECT system.main.current_database()"
PRESENT = "SELECT database_name, table_name FROM system.main.duckdb_tables()"


def shadows(cursor: Cursor) -> list[AuditFinding]:
    """Functions of the file that bear the name of a function of DuckDB's: with them no other query proves anything."""
    names = sorted({name for (name,) in run(cursor, FOREIGN)})
    built_in = {name.lower() for (name,) in run(cursor, BUILT_IN)} if names else set()
    return [
        AuditFinding("any", None, f"the file has a function {name} of its own, in the place of DuckDB's: drop it first")
        for name in names
        if name.lower() in built_in | _OPERATORS or not name.isidentifier()
    ]


def complete(cursor: Cursor) -> None:
    """Refuse a file that lacks a table of ours. Raises HistoryError."""
    ((here,),) = run(cursor, HERE)
    present = {table for database, table in run(cursor, PRESENT) if database == here}
    for table in TABLES:
        if table not in present:
            raise HistoryError(f"the history lacks its table {table}: %loops repair makes it anew from what is left")
