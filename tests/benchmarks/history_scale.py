"""How fast a history of a million rounds answers, and how large it is beside the same rows in SQLite.

    python tests/benchmarks/history_scale.py [RUNS [FOLDER]]

RUNS (10,000) of a hundred rounds each: a row in `iterations`, `calls`, `actions` and `verdicts` for every round,
made in SQL. Every query leases the file anew, as users' queries do. The second size is of whole runs, events and
texts included, as the journal's events make them.
"""

from __future__ import annotations

import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
from history import each_round, live
from target import beside

from jupyter_loops.history import History, open_history

ROUNDS = 100
TABLES = ("runs", "iterations", "calls", "actions", "verdicts")
FILL = """
CREATE TEMP MACRO id(n) AS strftime(TIMESTAMP '2026-01-01' + INTERVAL 1 MINUTE * n,
       '%Y%m%dT%H%M%S-') || lpad(n::VARCHAR, 8, '0');
CREATE TEMP MACRO began(n) AS TIMESTAMP '2026-01-01' + INTERVAL 1 MINUTE * n;
CREATE TEMP TABLE r AS SELECT n, id(n) AS run_id, ['gpt', 'claude', 'gemini',
       'local'][1 + n % 4] AS model FROM range($runs) t(n);
CREATE TEMP TABLE i AS SELECT run_id, n, model, k AS iteration, began(n) + INTERVAL 1 SECOND * k * 3 AS moment,
       0.2 + random() * random() * 9 AS seconds, (300 + random() * 700)::BIGINT AS prompt,
       (50 + random() * 400)::BIGINT AS answer, sha256(run_id || k) AS sha, k = $rounds AS passed
FROM r, range(1, $rounds + 1) s(k) ORDER BY run_id, k;
INSERT INTO runs BY NAME SELECT run_id, 'loop ' || n % 50 AS loop, 'Make slugs of titles.' AS goal,
       sha256('cell ' || n % 50) AS source_sha,
       sha256('question ' || n) AS fingerprint, model, 'bubblewrap' AS isolation, n || '@here' AS kernel,
       '0.1.0' AS version, true AS code,
       ['slug'] AS targets, '[]' AS checks, '{"seed": null}' AS options, 1.0 AS budget_usd, began(n) AS started_at,
       began(n) + INTERVAL 5 MINUTE AS ended_at, 'end' AS state, 'verified' AS stop_reason,
       'all checks passed' AS message,
       random() AS usd, 100000 + n AS tokens, random() * 300 AS seconds, $rounds AS iterations, $rounds AS calls,
       $rounds AS current_iteration, $rounds AS best_iteration, 1000 AS events, sha256('tip ' || n) AS tip,
       began(n) AS updated_at FROM r;
INSERT INTO iterations BY NAME SELECT run_id, iteration, moment AS started_at,
       moment + INTERVAL 1 SECOND * seconds AS ended_at,
       (iteration % 5)::INTEGER AS passed, 5 AS total, iteration % 5 / 5 AS progress, iteration % 7 = 0 AS best,
       'slug(''a'') == ''a'': got ' || iteration AS why, prompt * 1e-6 AS usd, prompt + answer AS tokens, seconds,
       '[["plan",' || round(seconds, 3) || '],["execute",0.002],["verify",0.001]]' AS phases,
       sha AS candidate_sha, 'code' AS candidate_kind, sha AS digest FROM i;
INSERT INTO calls BY NAME SELECT run_id, iteration AS call, iteration, 'plan' AS purpose, model,
       model || '-2026' AS answered_by,
       moment AS started_at, moment + INTERVAL 1 SECOND * seconds AS ended_at, prompt AS prompt_tokens,
       answer AS completion_tokens,
       0 AS cached_tokens, 0 AS reasoning_tokens, false AS estimated, prompt * 1e-6 AS usd, seconds,
       seconds / 5 AS first_token_seconds,
       'stop' AS finish_reason, 0.01 AS reserved_usd, 4000 AS reserved_tokens, '{"temperature":0.2}' AS sampling,
       [{'name': 'goal', 'tokens': prompt, 'dropped': 0}] AS parts, [{'role': 'user', 'sha': sha}] AS messages,
       sha AS answer_sha FROM i;
INSERT INTO actions BY NAME SELECT run_id, iteration * 10 - 4 AS seq, iteration, moment AS acted_at, 'ok' AS exit,
       false AS clipped,
       random() * 0.01 AS seconds, random() * 0.01 AS cpu_seconds, 30000000 + iteration * 4096 AS peak_bytes,
       'bubblewrap' AS isolation FROM i;
INSERT INTO verdicts BY NAME SELECT run_id, iteration * 10 - 2 AS seq, iteration, moment AS judged_at, 1 AS position,
       'slug(''a'') == ''a''' AS check_name, 'checks' AS layer, passed, false AS hidden,
       'got ' || iteration AS message,
       random() * 0.001 AS seconds, '{"slug(''a'')":"''b''"}' AS details FROM i;
"""
QUERIES = {
    "summary of a run": ("FROM run_summary WHERE run_id = $run", 20),
    "last 50 rounds of a run": ("FROM iterations WHERE run_id = $run ORDER BY iteration DESC LIMIT 50", 20),
    "cost by model and day": ("FROM cost_by_day", 40),
    "p95 by model": (
        "SELECT model, quantile_cont(seconds, 0.95) FROM calls WHERE error IS NULL GROUP BY model",
        40,
    ),
    "p50, p95, ttft by model (the whole view)": ("FROM latency", 40),
}
LEASE = 20  # ms that leasing the file may add


def fill(path: Path, runs: int) -> str:
    """Make the rows; gives the id of a run in the middle."""
    with duckdb.connect(path) as database:
        for statement in database.extract_statements(FILL):
            values = {"runs": runs, "rounds": ROUNDS}
            database.execute(statement, {name: values[name] for name in statement.named_parameters})
        return str(database.execute("SELECT run_id FROM r WHERE n = $n", {"n": runs // 2}).fetchone()[0])


def as_sqlite(path: Path, tables: tuple[str, ...]) -> int:
    """Bytes of the same rows in an SQLite file with an index on what is looked up."""
    copy = path.with_suffix(".sqlite")
    with sqlite3.connect(copy) as target, duckdb.connect(path, read_only=True) as source:
        for table in tables:
            names, wanted = _columns(source, table)
            rows = source.execute(f"SELECT {', '.join(wanted)} FROM {table}")
            target.execute(f"CREATE TABLE {table} ({', '.join(names)})")
            marks = ", ".join("?" * len(names))
            while some := rows.fetchmany(50_000):
                target.executemany(f"INSERT INTO {table} VALUES ({marks})", some)
            target.execute(f"CREATE INDEX {table}_key ON {table} ({names[0]})")
    size = copy.stat().st_size
    copy.unlink()
    return size


def _columns(source: duckdb.DuckDBPyConnection, table: str) -> tuple[list[str], list[str]]:
    """The names, and how to ask for each so that SQLite knows its type."""
    described = source.execute(f"DESCRIBE {table}").fetchall()
    plain = {"VARCHAR", "INTEGER", "BIGINT", "DOUBLE", "BOOLEAN"}
    return [row[0] for row in described], [row[0] if row[1] in plain else f"{row[0]}::VARCHAR" for row in described]


def median_ms(times: int, ask: Callable[[], object]) -> float:
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        ask()
        seconds.append(time.perf_counter() - start)
    return 1e3 * statistics.median(seconds)


def say(name: str, value: float, target: float, unit: str) -> None:
    print(f"  {name:40} {value:8.3g} {unit:3} {beside(value, target, unit)}", flush=True)


def queries(history: History, run_id: str) -> None:
    for name, (query, target) in QUERIES.items():
        ask(history, name, query, {"run": run_id} if "$run" in query else {}, target)


def ask(history: History, name: str, query: str, values: dict[str, str], target: float) -> None:
    with history._opened().store.lease.attached(write=False, patience=5.0) as cursor:
        cursor.execute(query, values).fetchall()
        say(name, median_ms(9, lambda: cursor.execute(query, values).fetchall()), target, "ms")
    leased = median_ms(9, lambda: history.sql(query, values))
    say(f"{name}, freshly leased", leased, target + LEASE, "ms")


def listing(path: Path) -> None:
    from jupyter_loops.notebook import run_table

    run_table.recent(str(path))
    say("%loops", median_ms(9, lambda: repr(run_table.recent(str(path)))), 200, "ms")


def whole_runs(folder: Path, runs: int = 40) -> None:
    """Real events through the journal, texts included; small, so the file's fixed parts show."""
    history = History(folder / "whole.duckdb")
    for n in range(runs):
        each_round(live(history, f"run {n}", 50))
    history.flush()
    history._opened().store.compact()
    history.close()
    ours = (folder / "whole.duckdb").stat().st_size
    other = as_sqlite(folder / "whole.duckdb", (*TABLES, "events", "texts"))
    print(f"  {runs} whole runs of 50 rounds: {ours / 1e6:.1f} MB, the same rows in SQLite {other / 1e6:.1f} MB")


def main() -> None:
    runs = int(sys.argv[1]) if sys.argv[1:] else 10_000
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if sys.argv[2:] else None) as name:
        folder = Path(name)
        path = folder / "history.duckdb"
        history = History(path)
        history.flush()
        history.close()
        run_id = fill(path, runs)
        print(f"  {runs * ROUNDS:,} rounds in {runs:,} runs, {path.stat().st_size / 1e6:.0f} MB")
        queries(history, run_id)
        listing(path)
        history.close()
        say("size, of the same rows in SQLite", path.stat().st_size / as_sqlite(path, TABLES), 0.35, "")
        whole_runs(folder)
        open_history(path).close()


if __name__ == "__main__":
    main()
