"""The container level: its command line always, and a real container wherever an engine and an image are."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jupyter_loops.core.candidate import Candidate, CandidateKind, Exit, Limits
from jupyter_loops.core.ports import World
from jupyter_loops.errors import PreflightError
from jupyter_loops.execution import container, isolation, tree
from jupyter_loops.execution.container import Engine
from jupyter_loops.execution.platform import Platform
from jupyter_loops.execution.sandbox import ZygoteSandbox

IMAGE = os.environ.get("JUPYTER_LOOPS_TEST_IMAGE", container.IMAGE)
WHY_NOT = container.why_not(IMAGE)
real = pytest.mark.skipif(bool(WHY_NOT), reason=f"no container: {WHY_NOT}")
MB = 1024**2


@pytest.fixture
def engines(tmp_path, monkeypatch):
    """Put programs of these names and contents first on the PATH."""

    def install(**programs: str) -> None:
        for name, body in programs.items():
            (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
            (tmp_path / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin" if programs else str(tmp_path))
        container.find_engine.cache_clear()

    yield install
    container.find_engine.cache_clear()


def line(engine: Engine, tmp_path, **more) -> str:
    words = container.command_line(
        engine,
        "some/image:1",
        ["python3", "-c", "x"],
        name="jupyter-loops-1",
        scratch=tmp_path,
        package=tmp_path / "site" / "jupyter_loops",
        variables={"A": "b c"},
        limits=Limits(**more),
    )
    assert words[-4:] == ["some/image:1", "python3", "-c", "x"]
    return " ".join(words)


def test_the_command_line_takes_everything_away_but_one_folder(tmp_path):
    text = line(Engine(program="podman", rootless=True), tmp_path, processes=10, memory_bytes=100 * MB)

    for part in ("podman run --rm --interactive --init --pull never --name jupyter-loops-1", "--network none",
                 "--read-only", "--cap-drop ALL", "--security-opt no-new-privileges", "--pids-limit 74",
                 f"--memory {1224 * MB}", "--userns keep-id", f"--user {os.getuid()}:{os.getgid()}",
                 f"--mount type=bind,source={tmp_path},target={tmp_path} ",
                 f"--mount type=bind,source={tmp_path}/tmp,target={tmp_path}/tmp ",
                 f"--mount type=bind,source={tmp_path}/tmp,target=/tmp ",
                 f"source={tmp_path}/site/jupyter_loops,target=/opt/jupyter-loops/jupyter_loops,readonly",
                 "--env A=b c", f"--workdir {tmp_path}"):  # fmt: skip
        assert part in text
    assert text.count("type=bind") == 4, "nothing else of this machine is shown"
    for word in ("--privileged", "docker.sock", "--network host", "--pid"):
        assert word not in text.replace("--pids-limit", "")


@pytest.mark.parametrize(
    ("engine", "user"),
    [
        (Engine(program="docker", rootless=False), f"--user {os.getuid()}:{os.getgid()}"),
        (Engine(program="docker", rootless=True), "--user 0:0"),
        (Engine(program="podman", rootless=False), f"--user {os.getuid()}:{os.getgid()}"),
    ],
)
def test_the_user_inside_owns_here_what_we_own(engine, user, tmp_path):
    text = line(engine, tmp_path, memory_bytes=None)

    assert user in text
    assert "keep-id" not in text
    assert "--memory" not in text


def test_the_first_engine_that_answers_is_taken(engines):
    engines(podman="exit 125", docker='case "$*" in *SecurityOptions*) echo "[name=seccomp name=rootless]";; esac')

    assert container.find_engine() == Engine(program="docker", rootless=True)


def test_an_engine_that_does_not_answer_in_time_is_none(engines, monkeypatch):
    monkeypatch.setattr(container, "_PROBE_SECONDS", 0.3)
    engines(podman="sleep 100", docker="echo 'Cannot connect to the Docker daemon' >&2; exit 1")
    started = time.monotonic()

    with pytest.raises(PreflightError) as caught:
        isolation.choose("container", None, Platform.here())

    assert str(caught.value) == "--sandbox container is not available: neither podman nor docker answers"
    assert time.monotonic() - started < 10


def test_an_image_that_is_not_here_is_said_to_be_and_not_fetched(engines):
    engines(podman='case "$1" in info) echo false;; *) exit 1;; esac', docker="exit 1")

    with pytest.raises(PreflightError, match="the image is not here: podman pull my/image"):
        isolation.choose("container", "my/image", Platform.here())


def test_auto_takes_a_container_only_for_a_named_image(engines, monkeypatch):
    monkeypatch.setattr(isolation, "_why_not_bubblewrap", lambda: "bwrap is not installed")
    monkeypatch.setattr(isolation, "_why_not_landlock", lambda: "the kernel has none")
    engines(podman="echo false")

    assert isolation.choose("auto", "my/image", Platform.here()) == ("container", ())
    assert isolation.choose("auto", None, Platform.here())[0] == "process"


def test_away_from_linux_a_container_is_refused(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(PreflightError, match="it needs Linux"):
        isolation.choose("container", None, Platform.here())


async def test_an_engine_that_fails_is_quoted(engines, make_recipe):
    engines(podman='case "$1" in run) echo "no space left on device" >&2; exit 125;; *) echo false;; esac')

    with pytest.raises(Exception, match="the sandbox does not start: no space left on device"):
        await ZygoteSandbox("container", image="x", watched=False).open(World(recipe=make_recipe("assert f(1)")))


async def observe(recipe, *texts, limits=None, **names):
    sandbox = ZygoteSandbox("container", image=IMAGE, watched=False)
    found = []
    try:
        readiness = await sandbox.open(World(recipe=recipe, names=names, limits=limits or Limits()))
        for text in texts:
            async with sandbox.attempt(Candidate(kind=CandidateKind.CODE, text=text)) as attempt:
                executed = await attempt.execute()
                verdicts, _ = await attempt.examine(recipe.checks)
            found.append((executed, [verdict.passed for verdict in verdicts]))
        pid = sandbox._workers.now.pid
    finally:
        await sandbox.close()
    assert not tree.alive(pid)
    return readiness, found


@real
async def test_a_container_runs_the_same_worker(make_recipe):
    recipe = make_recipe("assert f(1) == 10", setup="ITEMS = [1, 2]\nprint('ready')")
    readiness, found = await observe(recipe, *["ITEMS.append(k)\ndef f(x): return sum(ITEMS) + x"] * 3, k=6)

    assert readiness.isolation == "container"
    assert readiness.stdout == "ready\n"
    assert [passed for _, passed in found] == [[True]] * 3
    assert {executed.isolation for executed, _ in found} == {"container"}


@real
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import socket\nsocket.create_connection(('1.1.1.1', 53), 1)", "unreachable"),
        ("open('/usr/x', 'w')", "Read-only"),
        ("open('/etc/x', 'w')", "Read-only"),
        (f"import os\nos.listdir({str(Path.cwd())!r})", "No such file"),
        ("import os\nos.setuid(1)", "not permitted"),
        ("raise ValueError([k for k in __import__('os').environ if 'KEY' in k])", "[]"),
    ],
)
async def test_a_container_keeps_out(text, said, make_recipe, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    _, found = await observe(make_recipe("assert f(1) == 1"), text, "def f(x): return x")

    assert found[0][0].exit is Exit.RAISED
    assert said in found[0][0].fault.message
    assert found[1][1] == [True]


@real
@pytest.mark.parametrize(
    ("text", "exit_", "limits"),
    [
        ("while True: pass", Exit.WALL, {"seconds": 0.4}),
        ("import os\nwhile True: os.fork()", Exit.PROCESSES, {"processes": 16}),
        ("x = []\nwhile True: x.append(b'x' * 10_000_000)", Exit.MEMORY, {"memory_bytes": 200 * MB}),
        ("while True: print('x' * 1000)", Exit.OUTPUT, {"output_bytes": 10_000}),
    ],
)
async def test_limits_hold_in_a_container(text, exit_, limits, make_recipe):
    _, found = await observe(make_recipe("assert f(1) == 1"), text, "def f(x): return x", limits=Limits(**limits))

    assert found[0][0].exit is exit_
    assert found[1][1] == [True]


@real
def test_a_kernel_that_dies_takes_its_container_with_it():
    script = f"""
import asyncio, os
from jupyter_loops.core.ports import World
from jupyter_loops.core.recipe import Recipe
from jupyter_loops.execution.sandbox import ZygoteSandbox
async def main():
    box = ZygoteSandbox("container", image={IMAGE!r}, watched=False)
    recipe = Recipe(name="x", goal="", targets=(), setup="while True: pass")
    opening = asyncio.ensure_future(box.open(World(recipe=recipe)))
    while not (box._workers and box._workers.now and box._workers.now.pid):
        await asyncio.sleep(0.05)
    print(box._workers.now.pid, box._scratch.root, flush=True)
    await opening
asyncio.run(main())
"""
    kernel = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    pid, scratch = kernel.stdout.readline().split()
    assert tree.alive(int(pid))
    kernel.kill()
    kernel.wait()
    kernel.stdout.close()
    end = time.monotonic() + 20
    while tree.alive(int(pid)):
        assert time.monotonic() < end, "the set-up that never ends outlived its kernel"
        time.sleep(0.05)
    subprocess.run(["rm", "-rf", scratch], check=True)
