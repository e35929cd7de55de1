"""The comm by which a page follows a run of this kernel, or asks how a run of the history stands."""

from __future__ import annotations

import threading
from typing import Any

from jupyter_loops.errors import LoopError

from . import cell_runs, run_table
from .loop_magic import LoopMagics

TARGET = "jupyter_loops.run"  # of the comm; its data is {run: id}
_LONGEST = 100  # characters of a run's id


class RunChannel:
    """Answers pages of one kernel; `{run: id}` opens a comm for a run, `{cells: [id, …]}` asks for cells' runs."""

    def __init__(self, shell: Any, loops: LoopMagics) -> None:
        self._comms = getattr(getattr(shell, "kernel", None), "comm_manager", None)
        self._loops = loops

    def install(self) -> None:
        """Let pages open comms. A terminal has none."""
        if self._comms is not None:
            self._comms.register_target(TARGET, self._opened)

    def remove(self) -> None:
        """Undo `install`."""
        if self._comms is not None:
            self._comms.unregister_target(TARGET, self._opened)

    def _opened(self, comm: Any, message: dict[str, Any]) -> None:
        """A page has opened a comm: on the main shell's thread, or on a subshell's while a cell runs."""
        asked = message["content"]["data"]
        if isinstance(asked.get("cells"), list):
            self._send(comm, {"cells": cell_runs.bundles([str(cell) for cell in asked["cells"]])})
            return
        name = str(asked.get("run"))[:_LONGEST]
        view = run_table.live_view(name)
        if view is None:
            threading.Thread(target=self._send_stored, args=(comm, name), name="jupyter-loops stored run").start()
            return
        from jupyter_loops.view.live_page import LivePage

        page = LivePage(comm)
        comm.on_close(lambda _: view.detach(page))
        view.attach(page)

    def _send_stored(self, comm: Any, run_id: str) -> None:
        """The last state of a run that is not going on here."""
        self._send(comm, self._stored(run_id))

    def _stored(self, run_id: str) -> dict[str, Any]:
        from jupyter_loops.history import open_history
        from jupyter_loops.view.saved_output import bundle
        from jupyter_loops.view.snapshot import Snapshot

        try:
            history = open_history(self._loops.history)
            records = history.story(run_id)
            owner = [record["journal"] for record in records if record.get("journal")][-1:]
            elsewhere = bool(owner) and history.goes_on(owner[0])
        except LoopError as error:
            return {"unknown": str(error)}
        return {"stored": bundle(Snapshot.of(records)), "elsewhere": elsewhere}

    @staticmethod
    def _send(comm: Any, message: dict[str, Any]) -> None:
        from jupyter_loops.view.unparented import unparented

        unparented(lambda: comm.send(message))
