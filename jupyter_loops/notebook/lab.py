"""What JupyterLab's extension finds in this kernel."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_loops.labcomm.kernel_comm import KernelComm
    from jupyter_loops.labcomm.page_comm import KernelSide
    from jupyter_loops.run import Run

    from .loop_magic import LoopMagics


def lab_comm(shell: Any, magics: LoopMagics) -> KernelComm | None:
    """The comm for JupyterLab's pages; None where there is no kernel of ipykernel."""
    manager = getattr(getattr(shell, "kernel", None), "comm_manager", None)
    if manager is None:
        return None
    from jupyter_loops.labcomm.kernel_comm import KernelComm

    return KernelComm(manager, lambda workers: _side(shell, magics, workers))


def _side(shell: Any, magics: LoopMagics, workers: ThreadPoolExecutor) -> KernelSide:
    from jupyter_loops.history import open_history
    from jupyter_loops.labcomm.kernel_defaults import KernelDefaults
    from jupyter_loops.labcomm.page_comm import KernelSide
    from jupyter_loops.labcomm.publisher import Publisher
    from jupyter_loops.labcomm.stored_requests import StoredRequests

    from .sql_completion import fitting

    stored = StoredRequests(
        history=lambda: open_history(magics.history),
        names=shell.user_ns,
        produced=_produced,
        fitting=lambda sql: fitting(sql, sql, shell.user_ns),
    )
    return KernelSide(publisher=Publisher(), defaults=KernelDefaults(magics), stored=stored, workers=workers)


def _produced(run: Run) -> str:
    from .produced import produced

    return produced(run.recipe, run)
