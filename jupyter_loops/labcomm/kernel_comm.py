"""The comm target of this kernel."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from . import TARGET
from .beacon import Beacon

if TYPE_CHECKING:
    from .page_comm import KernelSide


class KernelComm:
    """Registers the target with ipykernel's comm manager; what answers is made when the first page asks."""

    def __init__(self, manager: Any, side: Callable[[ThreadPoolExecutor], KernelSide]) -> None:
        self._manager, self._make = manager, side
        self._side: KernelSide | None = None
        self._beacon = Beacon()

    def install(self) -> None:
        """Be there for pages, and let the ones that are open know."""
        self._manager.register_target(TARGET, self._opened)
        self._manager.register_comm(self._beacon)
        self._beacon.announce()

    def remove(self) -> None:
        """Take everything back; pages that are open are let go."""
        self._manager.unregister_target(TARGET, self._opened)
        self._manager.unregister_comm(self._beacon)
        for comm in [comm for comm in self._manager.comms.values() if comm.target_name == TARGET]:
            comm.close()

    def _opened(self, comm: Any, _message: object) -> None:
        from .page_comm import PageComm

        if self._side is None:
            self._side = self._make(ThreadPoolExecutor(2, "jupyter-loops page requests"))
        PageComm(comm, self._side).open()
