"""The child in a Docker or Podman container: which engine answers, and its command line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jupyter_loops.core.candidate import Limits

ROOT = "/opt/jupyter-loops"  # in the container, where this package is mounted
IMAGE = f"docker.io/library/python:{sys.version_info.major}.{sys.version_info.minor}-slim"
_PROGRAMS = ("podman", "docker")  # rootless first
_PROBE_SECONDS = 5
_ROOTLESS = {"podman": "{{.Host.Security.Rootless}}", "docker": "{{.SecurityOptions}}"}
_EXTRA_PROCESSES = 64  # processes in addition to those of a candidate
_GIB = 1024**3


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A container engine that answers."""

    program: str  # podman, docker
    rootless: bool

    @property
    def user(self) -> list[str]:
        """Options that map the user in the container to this user."""
        uid = os.getuid() if hasattr(os, "getuid") else 0
        gid = os.getgid() if hasattr(os, "getgid") else 0
        if self.rootless and self.program == "docker":
            return ["--user", "0:0"]  # which is this user, outside
        options = ["--user", f"{uid}:{gid}"]
        return ["--userns", "keep-id", *options] if self.rootless else options


def command_line(
    engine: Engine,
    image: str,
    command: Sequence[str],
    *,
    name: str,
    scratch: Path,
    package: Path,
    variables: Mapping[str, str],
    limits: Limits,
) -> list[str]:
    """`command` in a container: no network, read-only, no privileges, one writable folder; it ends with its client."""
    line = [engine.program, "run", "--rm", "--interactive", "--init", "--pull", "never", "--name", name]
    line += ["--network", "none", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
    line += ["--security-opt", "label=disable", "--pids-limit", str(limits.processes + _EXTRA_PROCESSES)]
    if limits.memory_bytes is not None:  # in addition to the watch, which limits each candidate alone
        line += ["--memory", str(2 * limits.memory_bytes + _GIB)]
    line += [*engine.user, *_bind(scratch, str(scratch))]
    line += _bind(scratch / "tmp", str(scratch / "tmp"))  # mounted: a link cannot take its place
    line += [*_bind(scratch / "tmp", "/tmp"), *_bind(package, f"{ROOT}/{package.name}", "readonly")]  # noqa: S108 - its own
    for key, value in variables.items():
        line += ["--env", f"{key}={value}"]
    return [*line, "--workdir", str(scratch), image, *command]


def _bind(source: Path, target: str, *more: str) -> list[str]:
    return ["--mount", ",".join(["type=bind", f"source={source}", f"target={target}", *more])]


def why_not(image: str) -> str:
    """Empty if an engine answers and has the image; otherwise one line that says what to do."""
    if not sys.platform.startswith("linux"):
        return "it needs Linux: elsewhere the engine lives in a virtual machine that shares no sockets with this one"
    engine = find_engine()
    if engine is None:
        return "neither podman nor docker answers"
    return "" if _has(engine.program, image) else f"the image is not here: {engine.program} pull {image}"


@cache
def find_engine() -> Engine | None:
    """The first engine that answers in time. Looked up once a process."""
    for program in _PROGRAMS:
        if shutil.which(program):
            answer = _ask(program, "info", "--format", _ROOTLESS[program])
            if answer is not None:
                return Engine(program=program, rootless="rootless" in answer or "true" in answer)
    return None


def _has(program: str, image: str) -> bool:
    return _ask(program, "image", "inspect", "--format", "{{.Id}}", image) is not None


def _ask(*words: str) -> str | None:
    """What a command prints; None if it fails or takes too long."""
    try:
        completed = subprocess.run(  # noqa: S603 - our own words
            words, capture_output=True, timeout=_PROBE_SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return completed.stdout.decode(errors="replace").lower() if completed.returncode == 0 else None
