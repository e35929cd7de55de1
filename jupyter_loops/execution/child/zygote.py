"""The warm process: builds the world once, then forks it for every candidate."""

from __future__ import annotations

import ast
import gc
import os
import socket
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from .attempt import Examiner
from .confine import adopt_orphans, close_memory, usage
from .meet import connect, live_by_stdin
from .nursery import Nursery
from .preparation import Preparation, Trust
from .session import flush_each_line, settle
from .threads import threads
from .wire import HELLO, Wire
from .world import Unready, World, mapped


class Zygote:
    """Builds the world that the kernel orders, and serves candidates in it."""

    def __init__(self, control: Wire) -> None:
        self._control = control

    def serve(self) -> None:
        """Build the world, report, and fork until the kernel hangs up."""
        order, files, cargo = self._control.receive()
        if order["path"]:
            sys.path[:] = order["path"]
            sys.prefix, sys.exec_prefix = order["prefix"], order["prefix"]
        if files[1:]:
            settle(files[1:])
        self._world = world = World(order)
        try:
            _same_language(order["python"])
            world.build(order, _cargo(order, files, cargo))
            report = {"said": "ready", "schemas": world.schemas(), "threads": threads()}
            examiner = _load(order["examiner"])
            world.ours = tuple(module for name, module in sys.modules.items() if name.startswith("jupyter_loops."))
        except Unready as unready:
            self._control.send({"said": "unready", "kind": unready.args[0], "message": unready.args[1]})
            return
        flush_each_line()
        forks = order["fork"] and not report["threads"]
        if not forks:
            world.settle()
        self._control.send(report | {"forks": forks})
        _forget_ourselves()
        if forks:
            _warm_up()
            self._ready = Preparation(world, World(order), *examiner, order["rehearsal"])
            self._ready.warm_up()
            Nursery(self._control, self._ready, self._obey).serve()
        else:
            self._serve_one(lambda: Preparation(world, World(order), *examiner, order["rehearsal"]))

    def _serve_one(self, prepare: Callable[[], Preparation]) -> None:
        while True:
            order, files, _ = self._control.receive()
            if order["do"] == "become":
                break
            self._supply(order, files)
        settle([])
        ready = prepare()
        ready.begin()
        ready.serve(self._control)

    def _obey(self, order: dict[str, Any], files: list[int]) -> None:
        if order["do"] == "settle":
            self._world.settle()
            self._control.send({"said": "settled"})
        else:
            self._supply(order, files)
            self._ready.look()
            gc.collect()
            gc.freeze()

    def _supply(self, order: dict[str, Any], files: list[int]) -> None:
        """Take more names of the notebook, which all later candidates share."""
        self._world.supply(order, _cargo(order, files, b""))
        self._control.send({"said": "supplied", "threads": threads()})


def _cargo(order: dict[str, Any], files: list[int], blob: bytes) -> memoryview:
    """The notebook's names: a descriptor, a path, or the bytes themselves."""
    if files:
        return mapped(files[0])
    if order["cargo"]:
        return mapped(os.open(order["cargo"], os.O_RDONLY | getattr(os, "O_BINARY", 0)))
    return memoryview(bytearray(blob))


def _same_language(wanted: list[int]) -> None:
    """A pickled function is bytecode, which only the same Python reads. Raises Unready."""
    own = list(sys.version_info[:2])
    if own != wanted:
        here, there = (".".join(map(str, version)) for version in (own, wanted))
        raise Unready("preflight", f"the image has Python {here} and the notebook {there}: choose another --image")


def _warm_up() -> None:
    """Do once, while the model is still thinking, what every fork would do again."""
    import linecache  # noqa: F401 - loaded for the forks

    adopt_orphans(die_with_parent=False)
    close_memory(closed=True)  # what a candidate writes into it would meet all later ones
    usage()
    ast.unparse(ast.parse("assert 1 == 2"))


def _load(name: str) -> tuple[Examiner, Trust]:
    """What runs a check, and what makes it tell the candidate's classes from others: two names of one module."""
    module = import_module(name)
    return module.examine, module.Trust


def _forget_ourselves() -> None:
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
        Zygote(Wire(connection, with_files=True)).serve()
    except (EOFError, OSError):
        pass  # the kernel hung up
    finally:
        os._exit(0)  # without finalizers: they would run once more for everything that the set-up registered
