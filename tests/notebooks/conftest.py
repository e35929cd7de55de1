"""The notebooks, run from top to bottom in a kernel, or as they were committed."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
RUN = "application/vnd.jupyter-loops.run.v1+json"


class Read:
    """A notebook, and what its cells put out."""

    def __init__(self, node):
        self.node = node

    @property
    def outputs(self):
        return [output for cell in self.node.cells for output in cell.get("outputs", ())]

    @property
    def bundles(self):
        return [output.get("data", {}) for output in self.outputs]

    @property
    def runs(self):
        """The saved runs."""
        return [data[RUN] for data in self.bundles if RUN in data]

    @property
    def words(self):
        """All that is said in plain text."""
        return "\n".join(one.get("text", "") or one.get("data", {}).get("text/plain", "") for one in self.outputs)

    @property
    def shape(self):
        """What each cell of code puts out, by kind: streams by name, displays by their MIME types."""
        cells = [cell for cell in self.node.cells if cell.cell_type == "code"]
        return [
            [(one.output_type, one.get("name") or sorted(one.get("data", ()))) for one in cell.outputs]
            for cell in cells
        ]

    def below(self, start):
        """The text below the first cell that begins so."""
        (cell, *_) = [cell for cell in self.node.cells if cell.source.startswith(start)]
        return "".join(output.get("data", {}).get("text/plain", "") for output in cell.outputs)


@pytest.fixture
def run_all(tmp_path, monkeypatch):
    """Run a notebook to its end, with a history of its own."""
    monkeypatch.setenv("JUPYTER_LOOPS_HISTORY", str(tmp_path / "history.duckdb"))

    def run(name, timeout=300):
        node = nbformat.read(NOTEBOOKS / name, as_version=4)
        NotebookClient(
            node, timeout=timeout, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
        ).execute()
        return Read(node)

    return run


@pytest.fixture
def committed():
    """Read a notebook as it was committed: no larger than so many characters, without an address of a machine."""

    def read(name, most):
        text = (NOTEBOOKS / name).read_text(encoding="utf-8")
        assert len(text) < most
        assert not [place for place in ("/home/", "/root/", "/tmp/") if place in text]
        return Read(nbformat.reads(text, as_version=4))

    return read
