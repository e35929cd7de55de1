"""Notebooks as Run All, papermill and CI execute them."""

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def execute(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("JUPYTER_LOOPS_HISTORY", str(tmp_path / "history.duckdb"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))

    def run(*cells):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
        client = NotebookClient(notebook, kernel_name="python3", timeout=60)
        try:
            client.execute(env=dict(os.environ))
        except CellExecutionError as error:
            return notebook, error
        return notebook, None

    return run


def test_a_notebook_runs_top_to_bottom_and_keeps_pictures_that_need_no_kernel(execute, cell, wrong, right):
    notebook, error = execute("%load_ext jupyter_loops", cell(wrong, right), "double(8)")

    assert error is None
    kinds = {kind for one in notebook.cells[1].outputs if one.output_type == "display_data" for kind in one.data}
    assert kinds == {"application/vnd.jupyter-loops.run.v1+json", "text/html", "text/plain"}
    assert notebook.cells[2].outputs[0].data["text/plain"] == "16"


def test_a_run_that_is_not_verified_stops_the_notebook(execute, cell, wrong):
    notebook, error = execute("%load_ext jupyter_loops", cell(wrong, options="-n 1"), "print('never')")

    assert "NotVerified" in str(error)
    assert notebook.cells[2].outputs == []


def test_a_mistake_in_the_options_stops_the_notebook(execute, cell, right):
    notebook, error = execute("%load_ext jupyter_loops", cell(right, options="--usd 0"), "print('never')")

    assert "--usd got '0'" in str(error)
    assert notebook.cells[2].outputs == []
