"""What a page asks of the history. Each method takes a request as it came and answers in plain JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_loops import runs
from jupyter_loops.core.redaction import redact
from jupyter_loops.errors import LoopError
from jupyter_loops.view.clip import line

from .publisher import day_of
from .run_rows import stored_rows
from .watched_run import WatchedRun

if TYPE_CHECKING:
    from jupyter_loops.history import History
    from jupyter_loops.run import Run

_PAGE, _MOST = 200, 1000  # rows
_LONGEST_SQL = 100_000  # characters
_TABLE = "application/vnd.jupyter-loops.table.v1+json"
_CHARTS = ("cost", "latency", "progress", "timeline", "lineage")
_ACCEPTED = """
SELECT candidate_kind AS kind, text, delivered FROM runs JOIN iterations USING (run_id) LEFT JOIN texts ON sha = candidate_sha
WHERE run_id = $run AND iteration = best_iteration
"""  # noqa: E501


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRequests:
    """Requests that read the history that new runs of this kernel are written to."""

    history: Callable[[], History]
    names: Mapping[str, object]  # the notebook's
    produced: Callable[[Run], str]  # what a run of this kernel produced, as the text of a cell
    fitting: Callable[[str], list[str]]  # completions at the end of an SQL text

    def recent(self, ask: Mapping[str, Any]) -> dict[str, Any]:
        """A page of runs, newest first; see `stored_rows`."""
        value = _object(ask)
        history = self.history()
        rows, count, note = stored_rows(
            history,
            words=str(value.get("words") or "")[:200],
            end=str(value.get("end") or "")[:40],
            limit=min(int(value.get("limit") or _PAGE), _MOST),
            offset=max(int(value.get("offset") or 0), 0),
        )
        here = {run.id for run in runs.live()}
        stale = [row["run"] for row in rows if row["live"] and row["run"] not in here]
        return {"rows": rows, "count": count, "note": note, "elsewhere": stale, "today": day_of(history)}

    def watched(self, run_id: str, changed: Callable[[], None]) -> WatchedRun:
        """A run to look at; it has to be loaded."""
        return WatchedRun(run_id, changed)

    def code(self, ask: Mapping[str, Any]) -> str:
        """The accepted code as the text of a cell; the best so far where nothing is accepted."""
        run = runs.find(str(ask["run"]))
        if run is not None and run.accepted:
            return self.produced(run)
        rows = self.history().sql(_ACCEPTED, {"run": str(ask["run"])}).dicts()
        if not rows:
            raise LoopError("this run has no candidate")
        kind, text, delivered = rows[0]["kind"], rows[0]["text"], json.loads(rows[0]["delivered"] or "{}")
        if kind == "code" or not delivered:
            if text is None:
                raise LoopError("the text of this run was forgotten")
            return redact(str(text))
        return "\n".join(f"{name} = {value!r}" for name, value in delivered.items())

    def fork(self, ask: Mapping[str, Any]) -> str:
        """Start a run from the end of a round, the last by default; its id."""
        from jupyter_loops.assemble import pursue, stored

        value = _object(ask)
        at = value.get("at")
        history = self.history()
        continuation = stored(str(ask["run"]), history.address.text).forked(
            None if at is None else int(at), str(value.get("hint") or "")
        )
        return pursue(continuation, self.names).id

    def sql(self, ask: Mapping[str, Any]) -> dict[str, Any]:
        """Rows of a query, as `%loop_sql` shows them, and as many as a page can hold."""
        query = str(_object(ask).get("sql") or "")[:_LONGEST_SQL]
        result = self.history().sql(query, limit=_MOST)
        table: dict[str, Any] = result._repr_mimebundle_()[_TABLE]  # IPython's protocol
        return table

    def complete(self, ask: Mapping[str, Any]) -> list[str]:
        """Completions at the end of an SQL text, most likely first."""
        return self.fitting(str(_object(ask).get("sql") or "")[-_LONGEST_SQL:])[:100]

    def chart(self, ask: Mapping[str, Any]) -> dict[str, Any]:
        """A Plotly figure of a run."""
        from jupyter_loops.view.charts import Charts

        kind, run_id, history = str(_object(ask).get("kind")), str(ask["run"]), self.history()
        if kind not in _CHARTS:
            raise LoopError(f"there is no chart {line(kind, 40)}: {', '.join(_CHARTS)}")
        tables = {"iterations": history.rounds, "calls": history.calls, "family": history.family}
        figure = getattr(Charts(lambda table: tables[table](run_id)), kind)()
        drawn: dict[str, Any] = json.loads(figure.to_json())
        return drawn


def _object(ask: Mapping[str, Any]) -> Mapping[str, Any]:
    value = ask.get("value")
    return value if isinstance(value, dict) else {}
