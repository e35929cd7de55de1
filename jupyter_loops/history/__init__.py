"""The history: a durable record of every run, in one DuckDB file that many processes share.

An event is appended to this process's journal and is safe; a writer thread moves it into the database, which it
leases for milliseconds at a time. Importing this loads no DuckDB.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .history import History, default_path, open_history
from .result import Result
from .statement import parameters


def sql(query: str, params: Mapping[str, Any] | None = None, **options: Any) -> Result:
    """Ask the default history in SQL; see `History.sql`."""
    return open_history().sql(query, params, **options)


__all__ = ["History", "Result", "default_path", "open_history", "parameters", "sql"]
