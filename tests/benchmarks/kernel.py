"""A fresh kernel, driven over its protocol as a notebook drives it, with a history of its own."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from jupyter_client.manager import start_new_kernel

ROOT = Path(__file__).parents[2]
WIDGET = "application/vnd.jupyter.widget-view+json"
_LONGEST = 120.0  # seconds that anything may take before the benchmark gives up

Message = dict[str, Any]


class Kernel:
    """Sends cells and clicks, and hears what comes back."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def send(self, code: str) -> str:
        """Shift+Enter: the request's id."""
        return self._client.execute(code, store_history=True)

    def click(self, widget: str, deed: str) -> None:
        """What a page sends when a button is clicked."""
        content = {"comm_id": widget, "data": {"method": "custom", "content": {"id": 1, "do": deed}}}
        self._client.shell_channel.send(self._client.session.msg("comm_msg", content))

    def until(self, wanted: Callable[[Message], bool]) -> Message:
        """The next message on iopub that is wanted."""
        end = time.monotonic() + _LONGEST
        while True:
            heard = self._client.get_iopub_msg(timeout=end - time.monotonic())
            if wanted(heard):
                return heard

    def widget(self, request: str) -> str:
        """The live view that a cell shows."""
        heard = self.until(lambda one: one["msg_type"] == "display_data" and one["parent_header"]["msg_id"] == request)
        return heard["content"]["data"][WIDGET]["model_id"]

    def update(self, widget: str, wanted: Callable[[dict[str, Any]], bool]) -> None:
        """Wait for an update of the live view, whose traits are wanted."""

        def fits(heard: Message) -> bool:
            content = heard["content"]
            return content.get("comm_id") == widget and wanted(content["data"].get("state", {}))

        self.until(fits)

    def reply(self, request: str) -> Message:
        """How the cell ended."""
        while True:
            heard = self._client.get_shell_msg(timeout=_LONGEST)
            if heard["parent_header"].get("msg_id") == request and heard["msg_type"] == "execute_reply":
                return heard["content"]

    def run(self, code: str) -> Message:
        """Send a cell, and wait for its end; a failure that nobody expected ends the benchmark."""
        reply = self.reply(self.send(code))
        assert reply["status"] == "ok", f"{reply.get('ename')}: {reply.get('evalue')}"
        return reply

    def printed(self, code: str) -> str:
        """What a cell prints in one go."""
        request = self.send(code)
        heard = self.until(lambda one: one["msg_type"] == "stream" and one["parent_header"]["msg_id"] == request)
        self.reply(request)
        return heard["content"]["text"]


@contextlib.contextmanager
def a_kernel() -> Iterator[Kernel]:
    """A kernel with the extension loaded and idle, as it is when a person begins to write."""
    with tempfile.TemporaryDirectory() as folder:
        own = {"IPYTHONDIR": f"{folder}/ipython", "JUPYTER_LOOPS_HISTORY": f"{folder}/history.duckdb"}
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        manager, client = start_new_kernel(
            env=os.environ | own | {"PYTHONPATH": path}, cwd=folder, stderr=subprocess.DEVNULL
        )
        try:
            kernel = Kernel(client)
            kernel.run("%load_ext jupyter_loops")
            yield kernel
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
