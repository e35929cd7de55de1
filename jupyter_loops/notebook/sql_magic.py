"""`%loop_sql` and `%%loop_sql`: SQL over the history of all runs."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class, needs_local_scope, no_var_expand

from jupyter_loops.errors import OptionError, QueryError
from jupyter_loops.nearest import nearest

from .loop_magic import LoopMagics
from .sql_line import SQL_OPTIONS, Query, read_query
from .usage import usage

if TYPE_CHECKING:
    from jupyter_loops.history import History
    from jupyter_loops.history.result import Result

_DISPLAYED = 50
_LATEST = "SELECT run_id FROM runs ORDER BY kernel IS NOT DISTINCT FROM $kernel DESC, run_id DESC LIMIT 1"
_FRAMES = (
    ("pandas", "DataFrame"),
    ("polars", "DataFrame"),
    ("polars", "LazyFrame"),
    ("pyarrow", "Table"),
    ("pyarrow", "RecordBatch"),
)
_HELP = """\
%loop_sql [options] [name <<] SQL       or the SQL below %%loop_sql [options] [name <<]

{options}

`$name` is the value of a variable of yours, bound and never pasted; `$run` is the latest run that began. Frames of
pandas, polars and Arrow are tables, unless the history has one of that name.
What there is: `%loops schema`, `%loops schema TABLE`."""


@magics_class
class SqlMagic(Magics):
    """Questions to the history."""

    def __init__(self, shell: Any, loops: LoopMagics) -> None:
        super().__init__(shell=shell)
        self._ipython = shell
        self._loops = loops

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    def loop_sql(self, line: str, cell: str | None = None, local_ns: Mapping[str, Any] | None = None) -> Any:
        """Ask the history in SQL: `%loop_sql SELECT * FROM run_summary`; `%loop_sql --help` says more."""
        namespace = {**self._ipython.user_ns, **(local_ns or {})}
        with usage("%loop_sql"):
            query = read_query(line if cell is None else f"{line}\n{cell}")
            if query.options.get("help"):
                return _help()
            result = self._ask(query, namespace)
            value = _as(result, query.options)
        if not query.name:
            return value
        self._ipython.user_ns[query.name] = value
        return None

    def _ask(self, query: Query, namespace: Mapping[str, object]) -> Result:
        from jupyter_loops.history import History, open_history
        from jupyter_loops.history.statement import parameters

        only = query.options.get("read_only", False)
        history = History(self._loops.history, read_only=True) if only else open_history(self._loops.history)
        write, limit = query.options.get("write", False), query.options.get("limit", _DISPLAYED)
        try:
            values = {name: _value(name, namespace, history) for name in parameters(query.sql)}
            result = history.sql(query.sql, values, frames=_frames(query.sql, namespace), write=write, limit=limit)
        except QueryError as error:
            raise UsageError(error.shown) from None
        if "run" in values and "run" in namespace:
            notice = f"$run is the latest run, {values['run']}, and not your variable run"
            result.note = f"{result.note}; {notice}" if result.note else notice
        return result


def _as(result: Result, options: Mapping[str, Any]) -> Any:
    """The result in the form that was asked for."""
    kind = options.get("to")
    if kind == "chart":
        from jupyter_loops.view.charts import query_chart

        try:
            drawn = query_chart.numbers(
                result.columns, result.fetchall(), *(options.get(axis) for axis in ("x", "y", "color"))
            )
        except ValueError as error:
            raise OptionError(str(error)) from None
        return query_chart.figure(drawn, options.get("chart"))
    value = getattr(result, kind) if kind else result
    return value() if callable(value) else value


def _value(name: str, namespace: Mapping[str, object], history: History) -> object:
    variable = normalize("NFKC", name)
    if name == "run":
        rows = history.sql(_LATEST, {"kernel": f"{os.getpid()}@{platform.node()}"}).fetchall()
        return rows[0][0] if rows else None
    if variable not in namespace:
        raise OptionError(f"${name} is bound to the variable {name}, and there is none{nearest(name, namespace)}")
    value = namespace[variable]
    return getattr(value, "id", None) if _is_run(value) else value


def _is_run(value: object) -> bool:
    return (type(value).__module__, type(value).__name__) == ("jupyter_loops.run", "Run")


def _frames(sql: str, namespace: Mapping[str, object]) -> dict[str, object]:
    """The frames and Arrow tables whose names the SQL mentions."""
    kinds = tuple(
        getattr(sys.modules[module], kind)
        for module, kind in _FRAMES
        if hasattr(sys.modules.get(module), kind)  # while a module is being imported it has less
    )
    words = set(re.findall(r"[^\W\d]\w*", sql))
    named = {word: namespace.get(normalize("NFKC", word)) for word in words}  # as Python reads a name
    return {word: value for word, value in named.items() if isinstance(value, kinds)}


def _help() -> None:
    lines = [f"  {option.long} {option.shape:<8} {option.help}" for option in SQL_OPTIONS]
    print(_HELP.format(options="\n".join(lines)))  # noqa: T201  # help goes where print goes
