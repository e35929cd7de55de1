"""Real kernels, driven over their protocol, on a history file of their own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

ROOT = Path(__file__).parents[2]
SECRET = "sk-test-4f9aQ2mZx81LbN7cT0vRkW3s"
WRONG = "```python\ndef double(n: int) -> int:\n    return n\n```"
RIGHT = "```python\ndef double(n: int) -> int:\n    return n * 2\n```"
BODY = '''def double(n: int) -> int:
    """Twice the number."""
    ...

assert double(2) == 4
'''
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


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

    @property
    def saved(self) -> list[dict[str, Any]]:
        """What a notebook would save of the cell: an update replaces what was shown, a clearing all before it."""
        kept: list[dict[str, Any]] = []
        for one in self.outputs:
            kind, content = one["msg_type"], one["content"]
            if kind == "clear_output":
                kept = []
            elif kind == "update_display_data":
                same = content["transient"]["display_id"]
                places = [n for n, it in enumerate(kept) if it.get("transient", {}).get("display_id") == same]
                kept = [content if n in places else it for n, it in enumerate(kept)]
            elif kind in {"display_data", "execute_result", "stream", "error"}:
                kept.append(content)
        return kept

    @property
    def screen(self) -> list[str]:
        """The lines of text that a person sees, pictures apart."""
        words = [one.get("text", "") + "\n".join(one.get("traceback", ())) for one in self.saved]
        return [line for line in _COLOURS.sub("", "\n".join(words)).splitlines() if line.strip()]

    @property
    def result(self) -> str:
        (value,) = [one["content"]["data"]["text/plain"] for one in self.outputs if one["msg_type"] == "execute_result"]
        return value


class Kernel:
    """One kernel, and the notebook that talks to it."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.manager, self.client = start_new_kernel(kernel_name="python3", env=env, cwd=str(folder))
        self.client.allow_stdin = False  # nobody sits before it, as nbclient says
        self.pid = self.manager.provisioner.pid
        assert self.run("%load_ext jupyter_loops").ok

    def start(self, code: str) -> str:
        return self.client.execute(code)

    def run(self, code: str, timeout: float = 60.0) -> Reply:
        return self.finish(self.start(code), timeout)

    def finish(self, message: str, timeout: float = 60.0) -> Reply:
        started, outputs = time.monotonic(), []
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

    def shown(self, message: str, timeout: float = 30.0) -> dict[str, Any]:
        """The first picture that a cell shows."""
        while True:
            heard = self.client.get_iopub_msg(timeout=timeout)
            if heard["msg_type"] == "display_data" and heard["parent_header"].get("msg_id") == message:
                return heard["content"]["data"]

    def until_it(self, *states: str, timeout: float = 10.0) -> None:
        """Until the live view says that the run is in one of these states; its messages have no parent."""
        while True:
            heard = self.client.get_iopub_msg(timeout=timeout)
            state = heard["content"].get("data", {}).get("state", {}) if heard["msg_type"] == "comm_msg" else {}
            if state.get("head", {}).get("state") in states:
                return

    def click(self, shown: dict[str, Any], wish: str) -> None:
        """What a page sends when a button is clicked."""
        comm = shown["application/vnd.jupyter.widget-view+json"]["model_id"]
        data = {"method": "custom", "content": {"id": 1, "do": wish}}
        self.client.shell_channel.send(self.client.session.msg("comm_msg", {"comm_id": comm, "data": data}))

    def close(self) -> None:
        self.client.stop_channels()
        with contextlib.suppress(RuntimeError):
            self.manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("faults")


@pytest.fixture(scope="module")
def kernels(folder):
    """Start kernels; each extra argument is a variable of the environment, None takes it away."""
    started = []

    def start(**extra):
        own = {"IPYTHONDIR": folder / "ipython", "JUPYTER_LOOPS_HISTORY": folder / "history.duckdb", "PYTHONPATH": ROOT}
        env = os.environ | {name: str(value) for name, value in (own | extra).items() if value is not None}
        for name in [name for name, value in extra.items() if value is None]:
            env.pop(name, None)
        started.append(Kernel(folder, env))
        return started[-1]

    yield start
    for kernel in started:
        kernel.close()


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
        return f"%%loop {name} {script(*answers, delay=delay)} --fresh {options}\n{body}"

    return text


@pytest.fixture
def right():
    return RIGHT


@pytest.fixture
def wrong():
    return WRONG


@pytest.fixture
def secret():
    return SECRET
