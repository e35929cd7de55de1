"""Where in a notebook code runs: the notebook's file and the cell."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, NamedTuple


class NotebookPlace(NamedTuple):
    """A notebook by the name of its file, and a cell by its id; empty where they are not known."""

    notebook: str = ""
    cell: str = ""


def notebook_place() -> NotebookPlace:
    """The place of the code that runs now. Jupyter's server names the notebook, JupyterLab names the cell."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return NotebookPlace()
    cell = _metadata(kernel).get("cellId")
    name = Path(os.environ.get("JPY_SESSION_NAME", "")).name
    return NotebookPlace(name[:200], cell[:64] if isinstance(cell, str) else "")


def _metadata(kernel: Any) -> dict[str, Any]:
    parent = kernel.get_parent("shell") if hasattr(kernel, "get_parent") else None
    metadata = parent.get("metadata") if isinstance(parent, dict) else None
    return metadata if isinstance(metadata, dict) else {}
