"""Makes IPython await a %%loop cell, so that buttons and interrupts are heard while it runs.

IPython has no async magics. A transformer of the finished input turns `get_ipython().run_cell_magic('loop', …)`
into an awaited call of a twin magic. It leaves a cell alone that another running cell executes (%%time,
%%capture), because there nothing can be awaited.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import Any

PLAIN, AWAITED = "loop", "_loop_awaited"  # magics; a name with _ is not offered by completion
_CALL = f"get_ipython().run_cell_magic('{PLAIN}', "


class Awaiting:
    """The input transformer, and the count of running cells that it needs."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._running: defaultdict[int, list[Any]] = defaultdict(list)  # thread → cells, outermost first

    def install(self) -> None:
        """Start to look at cells. The cell that does it is running already, so it is counted."""
        self._shell.input_transformers_post.append(self._transform)
        self._shell.events.register("pre_run_cell", self._started)
        self._shell.events.register("post_run_cell", self._ended)

    def remove(self) -> None:
        """Undo `install`."""
        self._shell.input_transformers_post.remove(self._transform)
        self._shell.events.unregister("pre_run_cell", self._started)
        self._shell.events.unregister("post_run_cell", self._ended)

    def _transform(self, lines: list[str]) -> list[str]:
        if not lines or not lines[0].startswith(_CALL) or not self._can_await():
            return lines
        return [f"await {lines[0].replace(PLAIN, AWAITED, 1)}", *lines[1:]]

    def _can_await(self) -> bool:
        """Whether this cell is the outermost one, and a kernel's event loop is there to await on."""
        if self._running[threading.get_ident()] or not self._shell.autoawait or not hasattr(self._shell, "kernel"):
            return False
        import asyncio  # a kernel has it loaded; a bare shell need not

        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return False
        return getattr(self._shell.loop_runner, "__name__", "") != "_trio_runner"

    def _started(self, info: Any) -> None:
        self._running[threading.get_ident()].append(info)

    def _ended(self, result: Any) -> None:
        """`result` is None when the cell was torn down; a cell that never began was never counted."""
        running = self._running[threading.get_ident()]
        if running and (result is None or running[-1] is result.info):
            running.pop()
