"""Which cell of a notebook shows which run: a page that was closed unsaved asks for it when it is opened again."""

from __future__ import annotations

import contextlib
import sys
from typing import Any

_MOST = 200  # cells that are remembered
_runs: dict[str, str] = {}  # cell id → run id


def remember(shell: Any, run: str) -> None:
    """The cell that runs now shows this run. JupyterLab says with each cell which one it is."""
    parent: dict[str, Any] = getattr(getattr(shell, "kernel", None), "get_parent", dict)()
    cell = (parent.get("metadata") or {}).get("cellId")
    if isinstance(cell, str):
        _runs.pop(cell, None)
        _runs[cell] = run
        while len(_runs) > _MOST:
            del _runs[next(iter(_runs))]


def bundles(cells: list[str]) -> dict[str, Any]:
    """Cell id → the run's output as it stands now, for the cells that showed one."""
    if "jupyter_loops.runs" not in sys.modules:
        return {}
    from jupyter_loops.errors import LoopError
    from jupyter_loops.runs import find
    from jupyter_loops.view.saved_output import bundle
    from jupyter_loops.view.snapshot import Snapshot

    found: dict[str, Any] = {}
    for cell in cells:
        run = find(_runs.get(cell, ""))
        if run is not None:
            snapshot = Snapshot(run.name)
            snapshot.expect(run.facts)
            with contextlib.suppress(LoopError):  # it has no events yet
                snapshot = Snapshot.of(run.history.story(run.id))
            found[cell] = bundle(snapshot)
    return found
