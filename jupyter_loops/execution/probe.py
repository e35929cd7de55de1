"""Finds out what a candidate can do on this machine, by a candidate that tries it."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from jupyter_loops.core.candidate import Candidate, CandidateKind, Limits
from jupyter_loops.core.ports import World
from jupyter_loops.core.recipe import Check, Recipe, Target, TargetKind
from jupyter_loops.errors import SandboxError

from .sandbox import ZygoteSandbox

_CANDIDATE = Path(__file__).with_name("probing.py")
_MARK = "jupyter-loops-probe"
_LIMITS = Limits(seconds=30)
_TARGET = Target(name="main", kind=TargetKind.FUNCTION, source="def main(bait): ...")
TRIED = {
    "home": "read your home folder",
    "project": "read a file beside the notebook",
    "write": "write outside its own folder",
    "network": "connect to a port of this machine",
    "socket": "connect to a service by a Unix socket",
    "processes": "see your other processes",
    "environment": "read their environment",
    "note": "leave a note in shared memory",
    "program": "start a program",
    "locks": "use multiprocessing",
    "outlive": "leave a process that lives on",
}


@dataclass(frozen=True, slots=True)
class Probe:
    """The results at one isolation level."""

    level: str
    notes: tuple[str, ...]
    can: dict[str, tuple[bool, str]]  # what was tried → whether it worked, and how


async def probe(level: str = "auto", image: str | None = None) -> Probe:
    """Try everything in one attempt of a regular sandbox. Raises PreflightError, SandboxError."""
    token, sandbox = f"{_MARK}-{secrets.token_hex(8)}", ZygoteSandbox(level, image=image)
    with _bait(token) as bait:
        check = Check(name="main", source=f"assert main({bait!r}) is None")
        world = World(recipe=Recipe(name="sandbox", goal="", targets=(_TARGET,), checks=(check,)), limits=_LIMITS)
        try:
            readiness = await sandbox.open(world)
            candidate = Candidate(kind=CandidateKind.CODE, text=_CANDIDATE.read_text())
            async with sandbox.attempt(candidate) as attempt:
                await attempt.execute()
                _, observation = await attempt.examine([check])
            alive = _end_all(token)
        finally:
            await sandbox.close()
        can = dict(_read(observation.stdout))
        if not can:
            why = observation.fault.message if observation.fault else observation.exit.value
            raise SandboxError(f"the candidate that tries could not: {why}")
        can["outlive"] = alive, "" if alive else "it ended with its attempt"
    return Probe(readiness.isolation, readiness.notes, can)


def _read(printed: str) -> Iterator[tuple[str, tuple[bool, str]]]:
    for line in printed.splitlines():
        with suppress(ValueError, TypeError):
            name, worked, how = json.loads(line)
            if name in TRIED:
                yield name, (bool(worked), str(how))


@contextmanager
def _bait(token: str) -> Iterator[dict[str, str]]:
    """Targets for the attempts, in the usual places. All are removed afterwards."""
    with ExitStack() as stack:
        bait = {"token": token}
        for name, folder in (("home", Path.home()), ("project", Path.cwd())):
            bait[name] = stack.enter_context(_file(folder / f".{token}-{name}", token))
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        bait["port"] = str(listener.getsockname()[1])
        bait["socket"] = stack.enter_context(_listening(Path.cwd() / f".{token}.sock"))
        sleeper = subprocess.Popen(  # noqa: S603 - our own words
            [sys.executable, "-c", "import time; time.sleep(600)", f"{token}-seen"],
            env=os.environ | {"JUPYTER_LOOPS_PROBE": f"{token}-secret"},
        )
        stack.callback(sleeper.wait)
        stack.callback(sleeper.kill)
        yield bait


@contextmanager
def _file(path: Path, text: str) -> Iterator[str]:
    """The path of a new file; empty if it cannot be created."""
    try:
        path.write_text(text)
    except OSError:
        yield ""
        return
    try:
        yield str(path)
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def _listening(path: Path) -> Iterator[str]:
    """The path of a listening Unix socket; empty if it cannot be created."""
    if not hasattr(socket, "AF_UNIX"):
        yield ""
        return
    with socket.socket(socket.AF_UNIX) as server:
        try:
            server.bind(str(path))
        except OSError:  # for example if the path is too long for a socket
            yield ""
            return
        server.listen()
        try:
            yield str(path)
        finally:
            path.unlink(missing_ok=True)


def _end_all(token: str) -> bool:
    """Kill processes that the candidate left behind. Returns whether there were any."""
    survived = False
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if f"{token}-outlive" in process.cmdline():
                survived = True
                process.kill()
    return survived
