"""The tools notebook runs from top to bottom without any model, and its calls are rows."""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "tools.ipynb"


def said(notebook):
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return "\n".join(output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in outputs)


def holds(notebook):
    words = said(notebook)
    assert "tool      sales(region: string, year: integer = 2026)" in words
    assert "(Best(region='south', total=30.0), ['north', 'east', 'south'])" in words
    assert "error: there is no tool 'regions'; there is sales" in words
    assert "sales        4       2" in words
    assert "year_total  nested    verified         1" in words


def test_the_notebook_runs_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_LOOPS_HISTORY", str(tmp_path / "history.duckdb"))
    notebook = nbformat.read(NOTEBOOK, as_version=4)

    NotebookClient(notebook, timeout=200, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()

    holds(notebook)


def test_the_committed_notebook_holds_its_results_and_no_address_of_a_machine():
    text = NOTEBOOK.read_text(encoding="utf-8")

    holds(nbformat.reads(text, as_version=4))
    assert len(text) < 60_000
    assert not any(place in text for place in ("/home/", "/root/", "/tmp/"))
