"""How a page notices that this kernel has jupyter-loops, without a message to kernels that have not."""

from __future__ import annotations

from typing import Any

from ipykernel.comm.comm import BaseComm

from jupyter_loops.view.unparented import unparented

from . import TARGET, VERSION


class Beacon(BaseComm):
    """A comm that nobody opens. A page that comes later finds it by `comm_info_request`; one that is there hears it.

    Front ends ignore messages of a comm that they do not know.
    """

    def __init__(self) -> None:
        super().__init__(target_name=TARGET, comm_id=TARGET, primary=False)  # type: ignore[no-untyped-call]

    def announce(self) -> None:
        """Let the pages that are open know."""
        unparented(lambda: self.send({"kind": "here", "version": VERSION}))

    def close(self, *_arguments: Any, **_options: Any) -> None:
        """Nothing: a page would complain about the end of a comm that it does not know."""

    def __del__(self) -> None:
        """Nothing, for the same reason."""
