"""approve(value) in a kernel: the magics answer from another cell, and nbclient is told at once that nobody can."""

import json

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

CELL = """%%loop title --model script:titles.json --fresh --sandbox process{options}
'Give it a title.'
title: str
assert approve(title)"""
WAIT = """import time
while title.waiting is None: time.sleep(0.01)"""


def run_all(folder, *cells):
    (folder / "titles.json").write_text(json.dumps(["First", "Second"]))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client = NotebookClient(notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    client.execute()
    return notebook


@pytest.fixture(autouse=True)
def history(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_LOOPS_HISTORY", str(tmp_path / "history.duckdb"))


def test_a_headless_notebook_fails_fast(tmp_path):
    with pytest.raises(CellExecutionError, match="nobody can answer here") as caught:
        run_all(tmp_path, "%load_ext jupyter_loops", CELL.format(options=""))
    assert "--auto-approve" in str(caught.value)


def test_auto_approve_lets_a_headless_notebook_through(tmp_path):
    notebook = run_all(tmp_path, "%load_ext jupyter_loops", CELL.format(options=" --auto-approve"), "title")
    assert notebook.cells[-1].outputs[0].data["text/plain"] == "'First'"


def test_the_magics_answer_a_run_in_the_background(tmp_path):
    present = "get_ipython().kernel._allow_stdin = True"  # as a front end with a person says
    loop = CELL.format(options=" --background").replace("%%loop title", "%%loop heading")
    wait = WAIT.replace("title", "heading")
    notebook = run_all(
        tmp_path,
        "%load_ext jupyter_loops",
        f"{present}\nget_ipython().run_cell_magic('loop', *{loop.removeprefix('%%loop ').partition(chr(10))[::2]!r})",
        wait,
        'first = heading.waiting.value\n%loops reject heading "too plain"',
        "while heading.waiting is None or heading.waiting.value == first: time.sleep(0.01)",
        "%loops approve",
        "heading.wait(30).reason, heading.values, first",
    )
    said = [cell.outputs[0].data["text/plain"] for cell in notebook.cells if cell.outputs and "data" in cell.outputs[0]]
    assert "'heading goes on: rejected'" in said
    assert "'heading goes on: approved'" in said
    assert "{'title': 'Second'}, 'First')" in said[-1]
