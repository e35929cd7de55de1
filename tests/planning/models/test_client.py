from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROBE = """
import sys
from pathlib import Path
import jupyter_loops.planning.planner, jupyter_loops.planning.name_summaries
from jupyter_loops.planning.models import open_model
models = [open_model("local"), open_model("gpt-5-mini")]
heavy = {"litellm", "xllamacpp", "pydantic", "pandas", "json_repair"} & set(sys.modules)
assert not heavy, heavy
from jupyter_loops.planning.models.client import load
import socket
def refuse(*args): raise AssertionError("the network was used")
socket.getaddrinfo = socket.socket.connect = refuse
assert load() is load() is sys.modules["litellm"]
count = models[1].count([])
assert "FROM_DOTENV" not in __import__("os").environ
"""


def test_litellm_is_imported_late_once_and_without_the_network_or_a_dotenv_file(tmp_path):
    (tmp_path / ".env").write_text("FROM_DOTENV=1\n")
    path = os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")])
    env = {name: value for name, value in os.environ.items() if not name.startswith("LITELLM")}
    done = subprocess.run(
        [sys.executable, "-c", PROBE],
        cwd=tmp_path,
        env=env | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "the network" not in done.stderr
