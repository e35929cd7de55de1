"""The budgets notebook runs from top to bottom on the embedded model, and its limits hold."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "budgets.ipynb"
RUN = "application/vnd.jupyter-loops.run.v1+json"


def said(notebook):
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return "\n".join(output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in outputs)


def holds(notebook):
    words = said(notebook)
    assert "projected $" in words
    assert "budget_usd - the next call may need" in words
    assert "--stop-if next_p < 0.16 and round >= 2: p = " in words
    assert "2 rounds of 2 rounds used" in words
    assert "breaker_open - script:down.json was left alone after 3 times auth in a row" in words
    assert "script:down.json  auth   open" in words
    assert "fallback" in words


@pytest.mark.model
@pytest.mark.timeout(600)
def test_the_notebook_runs_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_LOOPS_HISTORY", str(tmp_path / "history.duckdb"))
    notebook = nbformat.read(NOTEBOOK, as_version=4)

    NotebookClient(notebook, timeout=400, kernel_name="python3").execute()

    holds(notebook)


def test_the_committed_notebook_holds_its_results_and_no_address_of_a_machine():
    text = NOTEBOOK.read_text(encoding="utf-8")

    holds(nbformat.reads(text, as_version=4))
    assert len(text) < 300_000
    assert "/home/" not in text
    assert "/root/" not in text
    assert "/tmp/" not in text
