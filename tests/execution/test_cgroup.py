"""Control groups: on a folder that looks like them, and on the real ones where they are."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jupyter_loops.core.candidate import Exit, Limits
from jupyter_loops.execution import cgroup, tree
from jupyter_loops.execution.sandbox import ZygoteSandbox

MB = 1024**2
LIMITS = Limits(memory_bytes=100 * MB, processes=8, seconds=5)
REAL = next(
    (root for root in map(Path, ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")) if (root / "cgroup.procs").exists()), None
)


class Tree:
    """Files where the system would have them: a group for the kernel, beside which others may be made."""

    def __init__(self, root: Path) -> None:
        self.root, self.parent = root, root / "user/app"
        own = self.parent / "kernel"
        own.mkdir(parents=True)
        for folder, given in ((self.parent, "cpu memory pids"), (own, "")):
            (folder / "cgroup.subtree_control").write_text(given)

    @property
    def runs(self) -> list[Path]:
        return sorted(self.parent.glob("jupyter-loops-*"))

    def groups(self) -> list[dict[str, str]]:
        """What was written for each candidate."""
        folders = [folder for run in self.runs for folder in run.iterdir() if folder.is_dir()]
        return [{file.name: file.read_text() for file in folder.iterdir()} for folder in sorted(folders)]


@pytest.fixture
def groups(tmp_path, monkeypatch):
    monkeypatch.setattr(cgroup, "cgroup_path", lambda: "user/app/kernel")
    monkeypatch.setattr(Path, "rmdir", _as_the_system_does)
    return Tree(tmp_path)


def _as_the_system_does(folder, rmdir=Path.rmdir):
    """The files of a group go with it."""
    for file in folder.iterdir():
        if file.is_file():
            file.unlink()
    rmdir(folder)


@pytest.fixture
async def box(level, groups, make_recipe):
    from jupyter_loops.core.ports import World

    sandbox = ZygoteSandbox(level, cgroups=groups.root, watched=False)
    sandbox.readiness = await sandbox.open(World(recipe=make_recipe("assert f(1)"), limits=LIMITS))
    yield sandbox
    await sandbox.close()


async def test_each_candidate_gets_a_group_with_its_limits_and_the_run_says_so(box, groups, code):
    async with box.attempt(code("def f(x): return 1")) as attempt:
        executed = await attempt.execute()
        mine = groups.groups()[-1]

        assert executed.exit is Exit.OK
        assert mine == {
            "memory.max": str(164 * MB),
            "memory.swap.max": "0",
            "memory.oom.group": "1",
            "pids.max": "80",
            "cgroup.procs": str(attempt._fork.pid),
        }
    assert box.readiness.notes[-1] == cgroup.NOTE
    assert [run.joinpath("cgroup.subtree_control").read_text() for run in groups.runs] == ["+memory +pids"]
    await box.close()
    assert groups.runs == []


async def test_a_candidate_that_is_stopped_dies_by_its_group_too(box, groups, code):
    limits = []
    async with box.attempt(code("while True: print('x' * 10000)")) as attempt:
        observation = await attempt.execute()
        limits = groups.groups()

    assert observation.exit is Exit.OUTPUT
    assert any(each.get("cgroup.kill") == "1" for each in limits)


@pytest.mark.parametrize(("events", "exit_"), [("oom 1\noom_kill 1\n", Exit.MEMORY), ("oom_kill 0\n", Exit.DIED)])
async def test_what_the_system_kills_for_want_of_memory_has_that_exit(events, exit_, box, groups, code):
    async with box.attempt(code("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")) as attempt:
        (attempt._fork.group.folder / "memory.events").write_text(events)
        observation = await attempt.execute()

    assert observation.exit is exit_


@pytest.mark.parametrize("why", ["no controllers", "not ours", "nobody can be moved", "none"])
async def test_without_groups_for_us_candidates_run_as_before(why, groups, open_sandbox, make_recipe, monkeypatch):
    from jupyter_loops.core.ports import World

    if why == "no controllers":
        (groups.parent / "cgroup.subtree_control").write_text("cpu")
    elif why == "none":
        monkeypatch.setattr(cgroup, "cgroup_path", str)
    elif why == "not ours":
        monkeypatch.setattr(Path, "mkdir", _refusing(Path.mkdir, "jupyter-loops-"))
    else:
        monkeypatch.setattr(Path, "write_text", _refusing(Path.write_text, "cgroup.procs"))
    sandbox = ZygoteSandbox("process", cgroups=groups.root, watched=False)
    try:
        readiness = await sandbox.open(World(recipe=make_recipe("assert f(1)"), limits=LIMITS))
        async with sandbox.attempt(_code("def f(x): return 1")) as attempt:
            assert (await attempt.execute()).exit is Exit.OK
    finally:
        await sandbox.close()

    assert cgroup.NOTE not in readiness.notes
    assert groups.runs == []


def _refusing(function, name):
    def refuse(path, *arguments, **named):
        if path.name.startswith(name):
            raise PermissionError(13, "Permission denied", str(path))
        return function(path, *arguments, **named)

    return refuse


def test_groups_of_a_kernel_that_was_killed_are_removed_and_those_of_a_living_one_stay(groups):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for pid in (dead.pid, os.getppid()):
        (groups.parent / f"jupyter-loops-{pid}-0badcafe" / "3").mkdir(parents=True)
    ours = cgroup.find(groups.root)

    assert [run.name.split("-")[2] for run in groups.runs] == sorted(map(str, (os.getpid(), os.getppid())))
    ours.close()


@pytest.mark.skipif(REAL is None or not os.access(REAL, os.W_OK), reason="no cgroup v2 that we may write to")
def test_the_real_system_kills_a_whole_group_at_once():
    run = REAL / f"jupyter-loops-test-{os.getpid()}"
    run.mkdir()
    text = "import os, time\ninput()\nos.fork(); os.setsid() if not os.fork() else 0\ntime.sleep(60)"
    bomb = subprocess.Popen([sys.executable, "-c", text], stdin=subprocess.PIPE)
    group = cgroup.Group(run / "1")  # without limits: another hierarchy may have the controllers
    try:
        group.add(bomb.pid)
        bomb.stdin.write(b"\n")
        bomb.stdin.close()
        _until(lambda: len(_inside(group)) == 4)
        inside, began = _inside(group), time.perf_counter()
        group.kill()
        bomb.wait(2)
        _until(lambda: not any(map(tree.alive, inside)))
        assert time.perf_counter() - began < 1
    finally:
        bomb.kill()
        bomb.wait()
        group.close()
        run.rmdir()


def _inside(group):
    return list(map(int, (group.folder / "cgroup.procs").read_text().split()))


def _until(is_so):
    deadline = time.perf_counter() + 5
    while not is_so():
        assert time.perf_counter() < deadline
        time.sleep(0.001)


@pytest.mark.skipif(not (mine := cgroup.find()), reason="no cgroup v2 with memory and processes for us")
async def test_the_real_system_holds_memory_that_no_limit_of_a_process_sees(make_recipe, code):
    from jupyter_loops.core.ports import World

    mine.close()
    sandbox = ZygoteSandbox("process", watched=False)
    text = "import os\nwhile True: os.write(os.memfd_create('m'), b'x' * 1_000_000)"
    try:
        await sandbox.open(World(recipe=make_recipe("assert f(1)"), limits=LIMITS))
        async with sandbox.attempt(code(text)) as attempt:
            assert (await attempt.execute()).exit is Exit.MEMORY
    finally:
        await sandbox.close()


def _code(text):
    from jupyter_loops.core.candidate import Candidate, CandidateKind

    return Candidate(kind=CandidateKind.CODE, text=text)
