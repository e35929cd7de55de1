"""`make demo`: run the quickstart on the embedded model, show what its history holds, draw it as one page."""

from __future__ import annotations

import os
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
DEMO = ROOT / ".demo"

RUNS = """
SELECT run_id, loop, model, stop_reason, iterations AS rounds, tokens, round(seconds, 1) AS seconds
FROM runs ORDER BY started_at
"""
ROUNDS = """
SELECT r.loop, i.iteration AS round, i.passed || ' of ' || i.total AS checks, i.why
FROM iterations i JOIN runs r USING (run_id) ORDER BY r.started_at, i.iteration
"""
DRAWN = "SELECT run_id FROM runs WHERE iterations > 0 ORDER BY started_at DESC LIMIT 4"


def execute(source: Path, target: Path) -> None:
    """Run All, as a person would, and keep the notebook with its outputs."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    notebook = nbformat.read(source, as_version=4)
    for again in (True, False):
        client = NotebookClient(notebook, timeout=300, kernel_name="python3", store_widget_state=False)
        client.extra_arguments = ["--log-level=40"]
        try:
            client.execute(cwd=str(source.parent))
            break
        except CellExecutionError as error:
            if not (again and "NotVerified" in str(error)):
                raise
            print("the small model did not make it this time; what is verified stays, so once more …", flush=True)
        finally:
            nbformat.write(notebook, target)


def draw(target: Path) -> None:
    """Timeline and charts of every run, in one HTML file."""
    from jupyter_loops.history import open_history
    from jupyter_loops.view.charts import Charts
    from jupyter_loops.view.page import page
    from jupyter_loops.view.snapshot import Snapshot

    history = open_history()

    def charts(run: str) -> Charts:
        tables = {"iterations": history.rounds, "calls": history.calls}
        return Charts(lambda table: tables[table](run))

    ids = [run for (run,) in history.sql(DRAWN).fetchall()]
    target.write_text(page(*((Snapshot.of(history.records(run)), charts(run).all()) for run in ids)), encoding="utf-8")


def main() -> None:
    """The demo, end to end."""
    DEMO.mkdir(exist_ok=True)
    known = DEMO / "history.duckdb"
    os.environ["JUPYTER_LOOPS_HISTORY"] = str(known)
    if known.exists():
        print("reusing .venv, the model and .demo/history.duckdb: verified loops are verified again, at 0 tokens")
    begun = time.monotonic()
    print("running notebooks/quickstart.ipynb on the embedded model …", flush=True)
    execute(ROOT / "notebooks/quickstart.ipynb", DEMO / "quickstart.ipynb")
    print(f"done in {time.monotonic() - begun:.1f} s\n")

    from jupyter_loops.history import open_history

    for title, query in (("runs", RUNS), ("rounds", ROUNDS)):
        print(f"{title}\n{open_history().sql(query)}\n")
    draw(DEMO / "runs.html")
    print("executed notebook  .demo/quickstart.ipynb")
    print("timeline, charts   .demo/runs.html")


if __name__ == "__main__":
    main()
