from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from jupyter_loops.errors import PreflightError
from jupyter_loops.execution import isolation
from jupyter_loops.execution.namespace_payload import pack
from jupyter_loops.execution.output import Output
from jupyter_loops.execution.platform import Platform


def test_the_environment_is_an_allow_list(tmp_path):
    own = {"PATH": "/bin", "LC_ALL": "C", "OPENAI_API_KEY": "x", "AWS_SECRET_ACCESS_KEY": "x", "SSH_AUTH_SOCK": "x"}
    variables = isolation.environment(tmp_path, own)

    assert variables["PATH"] == "/bin"
    assert variables["LC_ALL"] == "C"
    assert variables["HOME"] == str(tmp_path)
    assert variables["OMP_NUM_THREADS"] == "1"
    assert "x" not in variables.values()


def test_a_whole_home_is_never_bound_back(tmp_path):
    home = tmp_path / "home"
    project, packages = home / "project", home / ".venv" / "lib"
    for folder in (project, packages):
        folder.mkdir(parents=True)

    shown = isolation.visible([home, tmp_path, Path("/"), project, packages, home / "missing"], [home])

    assert shown == sorted([project, packages])


def test_the_command_shows_only_what_is_needed(tmp_path):
    line = isolation.bubblewrap(["python"], tmp_path, [], {"A": "b"})
    text = " ".join(line)

    assert line[0] == "bwrap"
    assert line[-1] == "python"
    for part in ("--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--ro-bind / /", "--setenv A b",
                 "--tmpfs /run", "--cap-drop ALL", f"--bind {tmp_path} {tmp_path}"):  # fmt: skip
        assert part in text
    assert "--bind / " not in text.replace("--ro-bind", "")


def test_where_bubblewrap_is_missing_landlock_takes_its_place(monkeypatch):
    monkeypatch.setattr(isolation, "_why_not_bubblewrap", lambda: "bwrap is not installed")
    monkeypatch.setattr(isolation, "_why_not_landlock", str)

    assert isolation.choose("auto", None, Platform.here()) == ("landlock", ())
    assert isolation.choose("landlock", None, Platform.here()) == ("landlock", ())
    with pytest.raises(PreflightError, match=r"bwrap is not installed; install it .* --sandbox landlock or process"):
        isolation.choose("bubblewrap", None, Platform.here())


def test_where_both_are_missing_auto_says_so_and_each_refuses(monkeypatch):
    monkeypatch.setattr(isolation, "_why_not_bubblewrap", lambda: "bwrap is not installed")
    monkeypatch.setattr(isolation, "_why_not_landlock", lambda: "this kernel has no Landlock")

    level, notes = isolation.choose("auto", None, Platform.here())

    assert level == "process"
    assert "accidents" in notes[0]
    assert "bwrap is not installed; this kernel has no Landlock" in notes[0]
    with pytest.raises(PreflightError, match="--sandbox landlock is not available: this kernel has no Landlock"):
        isolation.choose("landlock", None, Platform.here())


def test_a_bwrap_that_does_not_work_is_not_used(monkeypatch, tmp_path):
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'No permissions to create a new namespace' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    isolation._why_not.cache_clear()
    try:
        assert "No permissions" in isolation._why_not_bubblewrap()
    finally:
        isolation._why_not.cache_clear()


def test_large_buffers_travel_beside_the_pickle_and_take_no_memory_here():
    import numpy as np

    cargo = pack({"a": np.ones(1_000_000), "b": np.ones(10), "c": [1]})

    assert cargo.pickled < 10_000
    assert max(size for _, size in cargo.buffers) == 8_000_000
    assert all(offset % 64 == 0 for offset, _ in cargo.buffers)
    cargo.close()


async def test_output_keeps_head_and_tail_and_calls_a_flood_once():
    floods: list[int] = []
    output = Output()
    output.bound(10, lambda: floods.append(1))
    for letter in b"abcdefghijklmnopqrstuvwxyz" * 8:
        output.add(bytes([letter]))

    text, clipped = output.take()

    assert clipped
    assert text.startswith("abcde\n... 198 bytes left out")
    assert text.endswith("vwxyz")
    assert floods == [1]
    assert output.take() == ("", False)


def test_the_child_needs_nothing_but_the_standard_library():
    program = (
        "import sys; sys.path.append('.'); before = set(sys.modules); import jupyter_loops.execution.child.zygote\n"
        "import jupyter_loops.verification.check_runner\n"
        "heavy = {m for m in sys.modules if m.split('.')[0] in "
        "('pydantic', 'cloudpickle', 'numpy', 'psutil', 'asyncio', 'inspect', 'dataclasses')}\n"
        "print(heavy, sorted(m for m in sys.modules if m.startswith('jupyter_loops.core.')))"
    )
    said = subprocess.run(["python3", "-I", "-S", "-c", program], capture_output=True, text=True, check=True)

    assert (
        said.stdout
        == "set() ['jupyter_loops.core.redaction', 'jupyter_loops.core.secret_places', 'jupyter_loops.core.secrets']\n"
    )
