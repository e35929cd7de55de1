"""The history in Prometheus' text format."""

from __future__ import annotations

from typing import Any

from jupyter_loops.history import History

_METRICS = (  # name, type, help, query: labels first, then the value
    (
        "jupyter_loops_runs_total",
        "counter",
        "Runs, by loop, model and how they ended.",
        """SELECT loop, model, coalesce(stop_reason::VARCHAR, 'none') AS stop_reason, count(*)
           FROM runs GROUP BY ALL ORDER BY ALL""",
    ),
    (
        "jupyter_loops_rounds_total",
        "counter",
        "Rounds that were decided.",
        "SELECT loop, count(*) FROM iterations JOIN runs USING (run_id) GROUP BY ALL ORDER BY ALL",
    ),
    (
        "jupyter_loops_checks_total",
        "counter",
        "Checks that were run, by layer and outcome.",
        "SELECT layer, passed, count(*) FROM verdicts GROUP BY ALL ORDER BY ALL",
    ),
    (
        "jupyter_loops_calls_total",
        "counter",
        "Model calls, by model and class of fault.",
        "SELECT model, coalesce(error, '') AS error, count(*) FROM calls GROUP BY ALL ORDER BY ALL",
    ),
    (
        "jupyter_loops_tokens_total",
        "counter",
        "Tokens of model calls.",
        """SELECT model, unnest(['input', 'output']) AS type,
                  unnest([coalesce(sum(prompt_tokens), 0), coalesce(sum(completion_tokens), 0)])
           FROM calls GROUP BY model ORDER BY ALL""",
    ),
    (
        "jupyter_loops_cost_usd_total",
        "counter",
        "US dollars of model calls with a known price.",
        "SELECT model, coalesce(sum(usd), 0) FROM calls GROUP BY ALL ORDER BY ALL",
    ),
    (
        "jupyter_loops_call_seconds_total",
        "counter",
        "Seconds of model calls.",
        "SELECT model, coalesce(sum(seconds), 0) FROM calls GROUP BY ALL ORDER BY ALL",
    ),
    (
        "jupyter_loops_running",
        "gauge",
        "Runs that go on.",
        "SELECT count(*) FROM run_summary WHERE status LIKE 'running%'",
    ),
)


def exposition(history: History) -> str:
    """Every metric, with its labels; one sample a line."""
    lines = []
    for name, kind, words, query in _METRICS:
        result = history.sql(query)
        lines += [f"# HELP {name} {words}", f"# TYPE {name} {kind}"]
        lines += [f"{name}{_labels(result.columns, row)} {row[-1]:g}" for row in result.fetchall()]
    return "\n".join(lines)


def _labels(columns: Any, row: tuple[Any, ...]) -> str:
    pairs = ",".join(f'{name}="{_escaped(value)}"' for name, value in zip(columns[:-1], row[:-1], strict=True))
    return f"{{{pairs}}}" if pairs else ""


def _escaped(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
