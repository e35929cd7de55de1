"""A real shell, and a real kernel driven over its protocol. The model replays a script."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
WRONG = "```python\ndef double(n: int) -> int:\n    return n\n```"
RIGHT = "```python\ndef double(n: int) -> int:\n    return n * 2\n```"
BODY = '''
def double(n: int) -> int:
    """Twice the number."""
    ...

assert double(2) == 4
with hidden:
    assert double(-3) == -6
'''


@pytest.fixture
def script(tmp_path):
    """Write a script for the model, and give the option that chooses it."""

    def write(*answers, delay=0.0):
        path = tmp_path / f"script{len(list(tmp_path.iterdir()))}.json"
        path.write_text(json.dumps({"answers": answers, "delay": delay}))
        return f"--model script:{path}"

    return write


@pytest.fixture
def cell(script):
    """The text of a %%loop cell whose model gives these answers."""

    def text(*answers, name="twice", options="", body=BODY, delay=0.0):
        return f"%%loop {name} {script(*answers, delay=delay)} {options}\n{body.strip()}\n"

    return text


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """An InteractiveShell with the extension loaded, as `ipython` has it."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_LOOPS_HISTORY", str(tmp_path / "history.duckdb"))
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}), colors="nocolor")
    shell.run_line_magic("load_ext", "jupyter_loops")
    yield shell
    shell.run_line_magic("unload_ext", "jupyter_loops")
    InteractiveShell.clear_instance()
    if "jupyter_loops.history" in sys.modules:
        sys.modules["jupyter_loops.history"].open_history().close()  # before its folder goes


@dataclass
class Reply:
    """What one cell did: its reply, and everything it put out."""

    content: dict[str, Any]
    outputs: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return self.content["status"] == "ok"

    @property
    def text(self) -> str:
        return "".join(one["content"].get("text", "") for one in self.outputs if one["msg_type"] == "stream")

    @property
    def error(self) -> str:
        return f"{self.content.get('ename')}: {self.content.get('evalue')}"

    def values(self, kind: str) -> list[Any]:
        return [
            one["content"]["data"][kind]
            for one in self.outputs
            if one["msg_type"] in {"execute_result", "display_data", "update_display_data"}
            and kind in one["content"]["data"]
        ]

    def results(self) -> list[str]:
        return [one["content"]["data"]["text/plain"] for one in self.outputs if one["msg_type"] == "execute_result"]


class Kernel:
    """A kernel with the extension loaded."""

    def __init__(self, manager, client):
        self.manager, self.client = manager, client

    def start(self, code: str) -> str:
        return self.client.execute(code)

    def run(self, code: str, timeout: float = 60.0) -> Reply:
        return self.finish(self.start(code), timeout)

    def finish(self, message: str, timeout: float = 60.0) -> Reply:
        started = time.monotonic()
        outputs = []
        while True:
            heard = self.client.get_iopub_msg(timeout=timeout)
            if heard["parent_header"].get("msg_id") != message:
                continue
            if heard["msg_type"] == "status" and heard["content"]["execution_state"] == "idle":
                break
            outputs.append(heard)
        while True:
            reply = self.client.get_shell_msg(timeout=timeout)
            if reply["parent_header"].get("msg_id") == message and reply["msg_type"] == "execute_reply":
                return Reply(reply["content"], outputs, time.monotonic() - started)

    def wait_for(self, kind: str, message: str, timeout: float = 30.0) -> dict[str, Any]:
        """The next message of a kind that a cell puts out."""
        while True:
            heard = self.client.get_iopub_msg(timeout=timeout)
            if heard["msg_type"] == kind and heard["parent_header"].get("msg_id") == message:
                return heard

    def wait_until_it_plans(self, timeout: float = 30.0) -> None:
        """Until the live view says that the model is being asked; its messages have no parent."""
        while True:
            heard = self.client.get_iopub_msg(timeout=timeout)
            state = heard["content"].get("data", {}).get("state", {}) if heard["msg_type"] == "comm_msg" else {}
            if state.get("head", {}).get("state") == "plan":
                return

    def send(self, comm: str, content: dict[str, Any]) -> None:
        """What a page sends when a button is clicked."""
        data = {"method": "custom", "content": content}
        self.client.shell_channel.send(self.client.session.msg("comm_msg", {"comm_id": comm, "data": data}))


@pytest.fixture
def kernel(tmp_path):
    from jupyter_client.manager import start_new_kernel

    paths = {"IPYTHONDIR": tmp_path / "ipython", "JUPYTER_LOOPS_HISTORY": tmp_path / "history.duckdb"}
    env = os.environ | {name: str(path) for name, path in paths.items()} | {"PYTHONPATH": str(ROOT)}
    manager, client = start_new_kernel(kernel_name="python3", env=env, cwd=str(tmp_path))
    kernel = Kernel(manager, client)
    assert kernel.run("%load_ext jupyter_loops").ok
    yield kernel
    client.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.fixture
def right():
    return RIGHT


@pytest.fixture
def wrong():
    return WRONG
