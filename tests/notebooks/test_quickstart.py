"""The notebooks run from top to bottom on the embedded model, and what they leave can be read without a kernel."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
WIDGET = "application/vnd.jupyter.widget-view+json"
RUN = "application/vnd.jupyter-loops.run.v1+json"


def outputs(notebook):
    return [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", ())]


@pytest.mark.model
@pytest.mark.timeout(400)
def test_the_quickstart_runs_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_LOOPS_HISTORY", str(tmp_path / "history.duckdb"))
    notebook = nbformat.read(NOTEBOOKS / "quickstart.ipynb", as_version=4)

    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()

    runs = [data[RUN] for data in outputs(notebook) if RUN in data]
    assert [run["termination"]["reason"] for run in runs] == ["verified"] * len(runs)
    assert len(runs) >= 3
    assert not any(WIDGET in data for data in outputs(notebook))


def test_the_committed_quickstart_holds_its_results_and_no_address_of_a_machine():
    text = (NOTEBOOKS / "quickstart.ipynb").read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)

    runs = [data[RUN] for data in outputs(notebook) if RUN in data]
    assert runs[0]["termination"]["reason"] == "verified"
    assert len(runs[0]["rounds"]) > 1  # it shows a loop, not a lucky first try
    assert len(text) < 200_000
    assert "/home/" not in text
    assert "/root/" not in text


@pytest.mark.filterwarnings("ignore:Your element with mimetype")  # charts need Plotly's own renderer
def test_the_committed_quickstart_reads_well_as_html():
    notebook = nbformat.read(NOTEBOOKS / "quickstart.ipynb", as_version=4)

    page, _ = HTMLExporter().from_notebook_node(notebook)

    assert "4 of 4 checks passed in round" in page
    assert "factorial(0) == 1: ValueError" in page
