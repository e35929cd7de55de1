"""A real kernel, driven over its protocol as a notebook drives it, and scripts for the model that it asks."""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.manager import start_new_kernel

ROOT = Path(__file__).parents[1]
WIDGET = "application/vnd.jupyter.widget-view+json"
WRONG = "```python\ndef double(n: int) -> int:\n    return n\n```"
RIGHT = "```python\ndef double(n: int) -> int:\n    return n * 2\n```"
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def script_in(folder: Path) -> Callable[..., str]:
    """Writes scripts for the model, and gives the option that chooses one: `script("answer", …, delay=seconds)`."""

    def write(*answers: object, delay: float = 0.0) -> str:
        path = folder / f"script{len(list(folder.iterdir()))}.json"
        path.write_text(json.dumps({"answers": answers, "delay": delay}))
        return f"--model script:{path}"

    return write


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

    def values(self, kind: str) -> list[Any]:
        """What was shown in one MIME type, updates included."""
        shown = {"execute_result", "display_data", "update_display_data"}
        data = [one["content"]["data"] for one in self.outputs if one["msg_type"] in shown]
        return [one[kind] for one in data if kind in one]

    def results(self) -> list[str]:
        return [one["content"]["data"]["text/plain"] for one in self.outputs if one["msg_type"] == "execute_result"]

    @property
    def result(self) -> str:
        (value,) = self.results()
        return value


class Kernel:
    """One kernel, and the notebook that talks to it."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.manager, self.client = start_new_kernel(kernel_name="python3", env=env, cwd=str(folder))
        self.client.allow_stdin = False  # nobody sits before it, as nbclient says
        self.pid = self.manager.provisioner.pid
        assert self.run("%load_ext jupyter_loops").ok

    def start(self, code: str, *, attended: bool = True) -> str:
        """Begin to run a cell; `attended`: a person sits before the notebook."""
        return self.client.execute(code, allow_stdin=attended)

    def run(self, code: str, timeout: float = 60.0) -> Reply:
        return self.finish(self.start(code, attended=False), timeout)

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

    def wait_for(self, kind: str, message: str, timeout: float = 30.0) -> dict[str, Any]:
        """The next message of a kind that a cell puts out."""
        while True:
            heard = self.client.get_iopub_msg(timeout=timeout)
            if heard["msg_type"] == kind and heard["parent_header"].get("msg_id") == message:
                return heard

    def shown(self, message: str) -> dict[str, Any]:
        """The first picture that a cell shows."""
        return self.wait_for("display_data", message)["content"]["data"]

    def until_it(self, *states: str, timeout: float = 30.0) -> None:
        """Until the live view says that the run is in one of these states; its messages have no parent."""
        while True:
            heard = self.client.get_iopub_msg(timeout=timeout)
            state = heard["content"].get("data", {}).get("state", {}) if heard["msg_type"] == "comm_msg" else {}
            if state.get("head", {}).get("state") in states:
                return

    def click(self, shown: dict[str, Any], wish: str) -> None:
        """What a page sends when a button is clicked."""
        comm = shown[WIDGET]["model_id"]
        data = {"method": "custom", "content": {"id": 1, "do": wish}}
        self.client.shell_channel.send(self.client.session.msg("comm_msg", {"comm_id": comm, "data": data}))

    def close(self) -> None:
        self.client.stop_channels()
        with contextlib.suppress(RuntimeError):  # a test has ended it already
            self.manager.shutdown_kernel(now=True)


def start(folder: Path, **extra: object) -> Kernel:
    """A kernel that works in `folder`, with a history of its own there; None takes a variable away."""
    own = {"IPYTHONDIR": folder / "ipython", "JUPYTER_LOOPS_HISTORY": folder / "history.duckdb", "PYTHONPATH": ROOT}
    env = os.environ | {name: str(value) for name, value in (own | extra).items() if value is not None}
    for name in [name for name, value in extra.items() if value is None]:
        env.pop(name, None)
    return Kernel(folder, env)
