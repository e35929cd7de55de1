"""A page of JupyterLab, as a real kernel hears it: a comm that the page opens, on a subshell of its own."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests import kernels

TARGET = "jupyter-loops"


@dataclass
class Page:
    kernel: kernels.Kernel
    comm: str = field(default_factory=lambda: uuid.uuid4().hex)
    heard: list[dict[str, Any]] = field(default_factory=list)
    subshell: str | None = None
    last: int = 0

    def open(self, *, subshell: bool = True) -> dict[str, Any]:
        if subshell:
            client = self.kernel.client
            client.control_channel.send(client.session.msg("create_subshell_request", {}))
            self.subshell = client.get_control_msg(timeout=10)["content"]["subshell_id"]
        self._send("comm_open", {"comm_id": self.comm, "target_name": TARGET, "data": {"version": 1}})
        return self.until(lambda message: message.get("kind") == "hello")

    def ask(self, word: str, run: str = "", value: object = None) -> dict[str, Any]:
        """The kernel's answer to a request."""
        self.last += 1
        number = self.last
        data = {"id": number, "do": word, "run": run, "value": value}
        self._send("comm_msg", {"comm_id": self.comm, "data": data})
        return self.until(lambda message: message.get("id") == number)

    def row(self, holds, timeout: float = 30.0) -> dict[str, Any]:
        """The first row pushed for which `holds(row)`."""
        message = self.until(lambda one: any(holds(row) for row in one.get("rows", ())), timeout)
        return next(row for row in message["rows"] if holds(row))

    def until(self, holds, timeout: float = 30.0) -> dict[str, Any]:
        """The first message not looked at yet for which `holds(message)`."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            while self.heard:
                message = self.heard.pop(0)
                if holds(message):
                    return message
            self.listen(deadline - time.monotonic())
        raise TimeoutError

    def listen(self, seconds: float) -> None:
        """Take in what the kernel says, for as long as nothing came that is for this page."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                message = self.kernel.client.get_iopub_msg(timeout=left)
            except Exception as error:
                if type(error).__name__ == "Empty":
                    return
                raise
            if message["msg_type"] == "comm_msg" and message["content"]["comm_id"] == self.comm:
                self.heard.append(message["content"]["data"])
                return

    def close(self) -> None:
        self._send("comm_close", {"comm_id": self.comm, "data": {}})

    def _send(self, kind: str, content: dict[str, Any]) -> None:
        session = self.kernel.client.session
        message = session.msg(kind, content)
        message["header"]["subshell_id"] = self.subshell
        self.kernel.client.shell_channel.send(message)


@pytest.fixture
def kernel(tmp_path):
    kernel = kernels.start(tmp_path, JPY_SESSION_NAME=tmp_path / "letters.ipynb")
    yield kernel
    kernel.close()


@pytest.fixture
def page(kernel):
    return Page(kernel)


@pytest.fixture
def cell(script):
    """The text of a %%loop cell whose model gives these answers."""
    body = "def double(n: int) -> int:\n    '''Twice the number.'''\n\nassert double(2) == 4\nassert double(3) == 6"

    def text(*answers, name="twice", options="", delay=0.0):
        return f"%%loop {name} {script(*answers, delay=delay)} {options}\n{body}\n"

    return text
