"""%%loop among other magics, below a comment, under Run All, and after the extension came back."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def kernel(kernels):
    return kernels()


def test_unloaded_the_magic_is_gone_and_loaded_again_it_works(kernel, cell, right):
    assert kernel.run(cell(right)).ok
    assert kernel.run("%unload_ext jupyter_loops").ok
    assert "Cell magic `%%loop` not found" in kernel.run(cell(right)).error
    assert kernel.run("%load_ext jupyter_loops\n%load_ext jupyter_loops").ok
    assert kernel.run("%reload_ext jupyter_loops").ok
    reply = kernel.run(cell(right))
    assert reply.ok
    assert len([one for one in reply.saved if "text/html" in one.get("data", {})]) == 1  # awaited once, drawn once
    assert kernel.run("double(2)").result == "4"


def test_a_comment_above_the_magic_is_read_over(kernel, cell, right):
    reply = kernel.run(f"# a slug\n{cell(right)}")
    assert reply.ok, reply.error
    assert kernel.run("double(2)").result == "4"


@pytest.fixture
def run_all(folder):
    """Execute a notebook, and give its cells and what stopped it."""

    def run(*cells):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
        env = {"IPYTHONDIR": folder / "ipython", "JUPYTER_LOOPS_HISTORY": folder / "h.duckdb", "PYTHONPATH": ROOT}
        client = NotebookClient(notebook, kernel_name="python3", timeout=60)
        try:
            client.execute(env=os.environ | {name: str(value) for name, value in env.items()})
        except CellExecutionError as error:
            return notebook.cells, str(error)
        return notebook.cells, ""

    return run


def test_run_all_goes_through_a_timed_loop_and_stops_at_a_failed_one(run_all, cell, wrong, right):
    cells, error = run_all(
        "%load_ext jupyter_loops", f"%%time\n{cell(right)}", "double(4)", f"%%time\n{cell(wrong)}", "'never'"
    )
    assert "NotVerified" in error
    assert cells[2].outputs[0].data["text/plain"] == "8"
    assert cells[4].outputs == []


def test_run_all_goes_through_a_captured_loop_and_goes_on_as_ipython_does(run_all, cell, wrong, right):
    cells, error = run_all(
        "%load_ext jupyter_loops",
        f"%%capture out\n{cell(right)}",
        "double(4)",
        "%%capture out\n1 / 0",  # IPython itself keeps an error in the capture
        f"%%capture out\n{cell(wrong, options='-n 1')}",
        "twice.termination.reason.value",
    )
    assert error == ""
    assert cells[2].outputs[0].data["text/plain"] == "8"
    assert cells[5].outputs[0].data["text/plain"] == "'iterations'"
