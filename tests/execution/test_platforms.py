"""The way that Windows and macOS take, taken here: no fork, no descriptor handed on, no limit held by the system."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import pytest

from jupyter_loops.core.candidate import Candidate, CandidateKind, Exit, Limits
from jupyter_loops.core.ports import World
from jupyter_loops.execution import isolation, tree
from jupyter_loops.execution.platform import Platform
from jupyter_loops.execution.sandbox import ZygoteSandbox

WINDOWS = Platform(name="win32", forks=False, passes_files=False, holds=False)
MACOS = Platform(name="darwin", forks=False, passes_files=True, holds=True)
MB = 1024**2


@pytest.fixture(params=[WINDOWS, MACOS], ids=["windows", "macos"])
def platform(request, monkeypatch):
    """What such a platform has, with psutil in the place of /proc."""
    monkeypatch.setattr(tree, "_LINUX", False)
    monkeypatch.setattr(tree, "_STOP", None)
    monkeypatch.setattr(tree, "_KILL", signal.SIGTERM if request.param is WINDOWS else signal.SIGKILL)
    monkeypatch.delattr("socket.SO_PASSCRED")
    return request.param


async def observe(platform, recipe, *texts, limits=None, **names):
    """What became of each candidate, and what the sandbox said at its opening."""
    sandbox = ZygoteSandbox("process", platform=platform, watched=False)
    found = []
    try:
        readiness = await sandbox.open(World(recipe=recipe, names=names, limits=limits or Limits()))
        for text in texts:
            async with sandbox.attempt(Candidate(kind=CandidateKind.CODE, text=text)) as attempt:
                executed = await attempt.execute()
                verdicts, examined = await attempt.examine(recipe.checks)
                delivery = await attempt.deliver() if all(verdict.passed for verdict in verdicts) else None
            found.append((executed, examined, [verdict.passed for verdict in verdicts], delivery))
        scratch = sandbox._scratch.root
    finally:
        await sandbox.close()
    assert not scratch.exists()
    return readiness, found


async def test_candidates_run_in_a_pristine_world_each(platform, make_recipe):
    import numpy as np

    recipe = make_recipe("assert f(1) == 10", setup="ITEMS = [1, 2]\nprint('ready')")
    text = "ITEMS.append(array.sum())\nprint('é' * 3)\ndef f(x): return int(sum(ITEMS) + x)"
    readiness, found = await observe(platform, recipe, text, text, text, array=np.arange(4))

    assert [passed for _, _, passed, _ in found] == [[True]] * 3
    assert readiness.stdout == "ready\n"
    assert [executed.stdout for executed, *_ in found] == ["ééé\n"] * 3
    assert all(executed.peak_bytes > MB for executed, *_ in found)
    assert "instead of a fork: this platform cannot fork" in readiness.notes[-1]


async def test_what_cannot_be_limited_is_said(platform, make_recipe):
    readiness, _ = await observe(platform, make_recipe("assert f(1)"))

    assert f"on {platform.name} memory and processes of a candidate are watched from outside" in readiness.notes[0]
    assert ("open files and the size of files are not limited" in readiness.notes[0]) is (platform is WINDOWS)
    with pytest.raises(isolation.PreflightError, match="--sandbox bubblewrap is not available"):
        isolation.choose("bubblewrap", None, WINDOWS)


@pytest.mark.parametrize(
    ("text", "exit_", "limits"),
    [
        ("while True: pass", Exit.WALL, {"seconds": 0.4, "cpu_seconds": 9.0}),
        ("while True: pass", Exit.CPU, {"cpu_seconds": 0.4}),
        ("import time; time.sleep(100)", Exit.WALL, {"seconds": 0.4}),
        ("while True: print('x' * 1000)", Exit.OUTPUT, {"output_bytes": 10_000}),
        ("x = []\nwhile True: x.append(b'x' * 10_000_000)", Exit.MEMORY, {"memory_bytes": 300 * MB}),
        ("import subprocess, time\np = [subprocess.Popen(['sleep', '100']) for _ in range(40)]\ntime.sleep(100)",
         Exit.PROCESSES, {"processes": 8}),
        ("import os; os._exit(3)", Exit.DIED, {}),
    ],
)  # fmt: skip
async def test_limits_hold(platform, text, exit_, limits, make_recipe):
    if platform is MACOS and exit_ is Exit.CPU:
        limits = limits | {"seconds": 20.0}
    recipe = make_recipe("assert f(1) == 1")
    _, found = await observe(platform, recipe, text, "def f(x): return x", limits=Limits(**limits))

    assert found[0][0].exit is exit_, found[0][0]
    assert found[1][2] == [True], "the next candidate finds everything as it was"


async def test_what_leaves_the_tree_of_its_parents_is_found_and_killed(platform, make_recipe, tmp_path):
    noted = tmp_path / "pid"
    text = f"""
import os, time
if not os.fork():
    os.setsid()
    if not os.fork():
        open({str(noted)!r}, "w").write(str(os.getpid()))
        time.sleep(1000)
    os._exit(0)
while not os.path.exists({str(noted)!r}) or not os.path.getsize({str(noted)!r}):
    time.sleep(0.01)
def f(x): return x
"""
    _, found = await observe(platform, make_recipe("assert f(1) == 1"), text)

    assert found[0][2] == [True]
    assert not tree.alive(int(noted.read_text()))


async def test_a_stranger_at_the_door_is_sent_away(make_recipe, monkeypatch):
    """The child calls on the loopback interface, where anybody of this machine may call."""
    from jupyter_loops.execution import child_launcher

    spawn, called = child_launcher.ChildLauncher._spawn, []

    def with_a_stranger(self, command, outputs, variables, **more):
        port = int(command[-1].rpartition("tcp:")[2].split("'")[0])
        called.append(port)
        for words in (b"", b"x" * 64, b"guess"):
            stranger = child_launcher.socket.create_connection(("127.0.0.1", port))
            stranger.sendall(words)
            if words != b"guess":
                stranger.close()
        return spawn(self, command, outputs, variables, **more)

    monkeypatch.setattr(child_launcher.ChildLauncher, "_spawn", with_a_stranger)
    monkeypatch.setattr(child_launcher, "_INTRODUCTION", 0.2)
    _, found = await observe(WINDOWS, make_recipe("assert f(1) == 1"), "def f(x): return x")

    assert called
    assert found[0][2] == [True]


async def test_a_cancelled_start_leaves_no_process(make_recipe, monkeypatch):
    before = set(tree.descendants(os.getpid()))
    sandbox = ZygoteSandbox("process", platform=WINDOWS, watched=False)
    opening = asyncio.create_task(sandbox.open(World(recipe=make_recipe("assert f(1)", setup="while True: pass"))))
    end = time.monotonic() + 20
    while not set(tree.descendants(os.getpid())) - before:
        assert time.monotonic() < end
        await asyncio.sleep(0.01)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening

    assert set(tree.descendants(os.getpid())) <= before
