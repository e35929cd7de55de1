"""The notebook of ten questions runs on the embedded model, and its answers can be read without a kernel."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "history.ipynb"
PLOTLY = "application/vnd.plotly.v1+json"


def outputs(notebook):
    return [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", ())]


def said(notebook, start):
    """The text below the first cell that begins so."""
    (cell, *_) = [cell for cell in notebook.cells if cell.source.startswith(start)]
    return "".join(output.get("data", {}).get("text/plain", "") for output in cell.outputs)


def answered(notebook):
    questions = [cell for cell in notebook.cells if cell.source.startswith("## ") and cell.source[3].isdigit()]
    assert len(questions) == 10
    assert "slug" in said(notebook, "%loop_sql SELECT loop, status")
    assert "verified" in said(notebook, "%loop_sql SELECT stop_reason")
    assert "5 " in said(notebook, "%loop_sql SELECT model, calls, runs")
    assert "every run is as it was written" in said(notebook, "%loops verify")
    assert sum(PLOTLY in data for data in outputs(notebook)) == 3


@pytest.mark.model
@pytest.mark.timeout(400)
def test_the_ten_questions_are_answered(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_LOOPS_HISTORY", str(tmp_path / "history.duckdb"))
    notebook = nbformat.read(NOTEBOOK, as_version=4)

    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()

    answered(notebook)


def test_the_committed_notebook_holds_its_answers_and_no_address_of_a_machine():
    text = NOTEBOOK.read_text(encoding="utf-8")

    answered(nbformat.reads(text, as_version=4))
    assert len(text) < 200_000
    assert not any(place in text for place in ("/home/", "/root/", "/tmp/"))
