"""DuckDB's extensions, from Python packages or from what DuckDB has installed itself. Nothing is downloaded."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_loops.errors import HistoryError

from .lease import quoted, run

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def load(database: DuckDBPyConnection, *names: str) -> None:
    """Load them. Raises HistoryError, which names what to install."""
    import duckdb

    for name in names:
        try:
            run(database, f"LOAD {_packaged(name, duckdb.__version__) or name}")
        except duckdb.Error as error:
            raise HistoryError(
                f"a history in a team needs DuckDB's extension {name}, and DuckDB {duckdb.__version__} here has none: "
                f'pip install "jupyter-loops[team]" (for DuckDB 1.5), or once, in DuckDB: INSTALL {name}'
            ) from error


def _packaged(name: str, version: str) -> str | None:
    """The file in the package duckdb-extension-NAME that is made for this DuckDB, as SQL."""
    spec = importlib.util.find_spec(f"duckdb_extension_{name}")
    for folder in spec.submodule_search_locations or () if spec else ():
        for path in Path(folder).glob(f"extensions/v{version}/*.duckdb_extension"):
            return quoted(path)
    return None
