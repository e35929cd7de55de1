"""The warm process: builds the world once, then forks it for every candidate."""

from __future__ import annotations

import ast
import gc
import os
import socket
import sys
from contextlib import nullcontext
from importlib import import_module
from typing import Any

from .candidate_world import CandidateWorld, SetupFailedError, opened
from .confine import adopt_orphans, close_memory, usage
from .kernel_connection import HELLO, KernelConnection
from .meet import connect, live_by_stdin
from .session import settle, silence, use_line_buffering
from .spawn import Spawned
from .target_contract import TargetContract
from .threads import threads


class Zygote:
    """Builds the world that the kernel orders, and serves candidates in it."""

    def __init__(self, control: KernelConnection) -> None:
        self._control = control

    def serve(self) -> None:
        """Build the world, report, and fork until the kernel hangs up."""
        order, files, _ = self._control.receive()
        if order["path"]:
            sys.path[:] = order["path"]
            sys.prefix, sys.exec_prefix = order["prefix"], order["prefix"]
        if files[1:]:
            settle(files[1:])
        self._world = CandidateWorld(order)
        is_examiner = order["role"] == "examiner"
        candidate = Spawned(order, files) if is_examiner and not order["fork"] else None
        copies = [os.dup(file) for file in files[:1]] if is_examiner and order["fork"] else []
        try:
            report = self._build(order, files, silent=not is_examiner)
            forks = order["fork"] and not report["threads"]
            if is_examiner and not forks:
                candidate = candidate or Spawned(order, copies)
                candidate.wait()
        except (SetupFailedError, OSError) as error:  # the latter of what shuts candidates in
            kind, words = error.args if isinstance(error, SetupFailedError) else ("preflight", f"the sandbox: {error}")
            self._control.send({"said": "unready", "kind": kind, "message": words})
            return
        for file in copies:
            os.close(file)
        use_line_buffering()
        self._control.send(report | {"forks": forks})
        if forks:
            _warm_up()
        _unload_package()
        if forks:
            self._ready.warm_up()
            self._fork()
        elif candidate is not None:
            self._be_examiner(candidate)
        else:
            self._be_candidate()

    def _build(self, order: dict[str, Any], files: list[int], *, silent: bool) -> dict[str, Any]:
        """Build the world and prepare serving in it; returns a report. Raises SetupFailedError, OSError."""
        world = self._world
        _same_language(order["python"])
        with silence() if silent else nullcontext():  # the set-up has printed it in the examiner
            world.build(order, opened(order, files))
        report = {"said": "ready", "schemas": world.schemas(), "threads": threads()}
        if report["threads"]:  # a process with threads gets no namespaces of its own
            world.shut_in = world.shut_in | {"view": {}}
        if order["awaits"]:
            import asyncio  # noqa: F401 - loaded for the forks
        from .fork_template import ForkTemplate  # its imports need order["path"]
        from .rehearsal import TARGET

        stages = CandidateWorld(order), CandidateWorld(order)
        for stage in stages:
            stage.targets = [TargetContract(**TARGET)]
        self._ready = ForkTemplate(world, stages, import_module(order["examiner"]).examine, order["rehearsal"])
        return report | {"notes": list(self._ready.notes)}

    def _fork(self) -> None:
        from .fork_server import ForkServer

        ForkServer(self._control, self._ready, self._obey).serve()

    def _be_examiner(self, candidate: Spawned) -> None:
        """Be the examiner of one candidate, whose process was started anew with a world of its own."""
        from .link import Link

        while True:
            order, files, _ = self._control.receive()
            if order["do"] == "become":
                break
            candidate.send(order, files)
            self._obey(order, files)
        settle([])
        candidate.send({"do": "become"})
        self._ready.examine(self._control, candidate.pid, Link(candidate.connection, self._world.most))

    def _be_candidate(self) -> None:
        """Be the process of one candidate, for the examiner at the other end."""
        while True:
            order, files, _ = self._control.receive()
            if order["do"] == "become":
                break
            self._world.add_names(order, opened(order, files))
        if threads():
            self._ready.restrict(view=False)
        self._ready.look()
        self._ready.be_candidate(self._control.connection)

    def _obey(self, order: dict[str, Any], files: list[int]) -> None:
        self._add_names(order, files)
        self._ready.look()
        gc.collect()
        gc.freeze()

    def _add_names(self, order: dict[str, Any], files: list[int]) -> None:
        """Take more names of the notebook, which all later candidates share."""
        self._world.add_names(order, opened(order, files))
        self._control.send({"said": "supplied", "threads": threads()})


def _same_language(expected: list[int]) -> None:
    """A pickled function is bytecode, which only the same Python reads. Raises SetupFailedError."""
    actual = list(sys.version_info[:2])
    if actual != expected:
        here, there = (".".join(map(str, version)) for version in (actual, expected))
        raise SetupFailedError(
            "preflight", f"the image has Python {here} and the notebook {there}: choose another --image"
        )


def _warm_up() -> None:
    """Do once, while the model is generating, what every fork would otherwise do."""
    import linecache  # noqa: F401 - loaded for the forks

    adopt_orphans(die_with_parent=False)
    close_memory(closed=True)  # what a candidate writes into it would affect all later ones
    usage()
    ast.unparse(ast.parse("assert 1 == 2"))


def _unload_package() -> None:
    """Let the candidate import its own copies of our modules, not those that examine it."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "jupyter_loops"]:
        del sys.modules[name]


def main(control: int | str) -> None:
    """The child's entry point; `control` is an inherited socket, or the address of a kernel that waits there."""
    if isinstance(control, int):
        connection = socket.socket(fileno=control)
    else:
        if control.startswith("unix:"):
            live_by_stdin()
        connection = connect(control)
    connection.sendall(HELLO.pack(os.getpid()))
    try:
        Zygote(KernelConnection(connection, with_files=True)).serve()
    except (EOFError, OSError):
        pass  # the kernel hung up
    finally:
        os._exit(0)  # without finalizers: they would run once more for everything that the set-up registered
