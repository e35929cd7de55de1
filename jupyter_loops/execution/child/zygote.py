"""The warm process: builds the world once, then forks it for every candidate."""

from __future__ import annotations

import ast
import gc
import os
import select
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from importlib import import_module
from typing import Any

from .attempt import Attempt, Examiner, Trust, settle
from .confine import adopt_orphans, close_memory, usage
from .meet import connect, live_by_stdin
from .rehearsal import rehearse
from .wire import HELLO, Wire
from .world import Unready, World, mapped

# Threads that a forked child does without: memory that pyarrow and polars give back later, files that polars spills.
_HARMLESS_THREADS = frozenset({"jemalloc_bg_thd", "polars-ooc-clea"})
_LOOKS, _MOMENT = 10, 0.002
_NATIVE = "native threads of a library, as BLAS has"  # which have no name but the process's own


class Zygote:
    """Answers the kernel on one socket, and forks."""

    def __init__(self, control: Wire) -> None:
        self._control = control
        self._attempts: dict[int, int] = {}  # pid → attempt
        self._own: frozenset[int] = frozenset()  # children that the set-up started
        self._wakeup = -1
        self._rehearsal: dict[str, Any] = {}

    def serve(self) -> None:
        """Build the world, report, and fork until the kernel hangs up."""
        order, files, cargo = self._control.receive()
        if order["path"]:
            sys.path[:] = order["path"]
            sys.prefix, sys.exec_prefix = order["prefix"], order["prefix"]
        if files[1:]:
            settle(files[1:])
        world = World(order)
        try:
            _same_language(order["python"])
            world.build(order, _cargo(order, files, cargo))
            report = {"said": "ready", "schemas": world.schemas(), "threads": _threads()}
            examiner = _load(order["examiner"])
            self._rehearsal = order["rehearsal"]
            world.ours = tuple(module for name, module in sys.modules.items() if name.startswith("jupyter_loops."))
        except Unready as unready:
            self._control.send({"said": "unready", "kind": unready.args[0], "message": unready.args[1]})
            return
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        forks = order["fork"] and not report["threads"]
        if not forks:
            world.settle()
        self._control.send(report | {"forks": forks})
        if forks:
            self._fork_forever(world, examiner)
        else:
            self._serve_one(world, examiner)

    def end(self) -> None:
        """Leave no attempt behind."""
        for pid in self._attempts:
            with suppress(OSError):  # it died first
                os.killpg(pid, signal.SIGKILL)

    def _serve_one(self, world: World, examiner: tuple[Examiner, Trust]) -> None:
        while True:
            order, files, _ = self._control.receive()
            if order["do"] == "become":
                break
            self._supply(world, order, files)
        settle([])
        _forget_ourselves()
        attempt = Attempt(world, *examiner)
        attempt.begin(self._control)
        attempt.serve()

    def _fork_forever(self, world: World, examiner: tuple[Examiner, Trust]) -> None:
        _warm_up()
        _forget_ourselves()
        attempt = Attempt(world, *examiner)
        self._own = frozenset(_children())
        reading, self._wakeup = os.pipe()
        os.set_blocking(reading, False)
        os.set_blocking(self._wakeup, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wakeup, warn_on_full_buffer=False)
        gc.collect()
        gc.freeze()
        while True:
            ready, _, _ = select.select([self._control.fileno(), reading], [], [])
            if reading in ready:
                os.read(reading, 4096)
                self._reap()
            if self._control.fileno() in ready:
                order, files, _ = self._control.receive()
                if order["do"] == "settle":
                    world.settle()
                    self._control.send({"said": "settled"})
                elif order["do"] == "supply":
                    self._supply(world, order, files)
                    attempt.look()
                elif self._fork(order, files):
                    os.close(reading)
                    self._become(attempt, examiner[0], files)

    def _supply(self, world: World, order: dict[str, Any], files: list[int]) -> None:
        """Take more names of the notebook, which all later candidates share."""
        world.supply(order, _cargo(order, files, b""))
        gc.collect()
        gc.freeze()
        self._control.send({"said": "supplied", "threads": _threads()})

    def _fork(self, order: dict[str, Any], files: list[int]) -> bool:
        """Whether this is the child."""
        pid = os.fork()
        if not pid:
            return True
        self._attempts[pid] = order["attempt"]
        for file in files:
            os.close(file)
        return False

    def _become(self, attempt: Attempt, examine: Examiner, files: list[int]) -> None:
        """The life of a forked child; never returns."""
        try:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, files[0])  # spelled out: else it is asked
            connection.sendall(HELLO.pack(os.getpid()))  # at once: until then it cannot be told from a stray
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.close(self._wakeup)
            self._control.close()
            settle(files[1:])
            adopt_orphans(die_with_parent=True)
            close_memory(closed=False)
            attempt.begin(Wire(connection))
            if not select.select([connection], [], [], 0)[0]:  # the candidate is not there yet
                rehearse(examine, self._rehearsal)
                attempt.rehearse()
            attempt.serve()
        except BaseException:  # noqa: BLE001 - told on stderr, where the kernel hears it
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        finally:
            os._exit(0)

    def _reap(self) -> None:
        for pid in list(self._attempts):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                attempt = self._attempts.pop(pid)
                self._control.send({"said": "ended", "attempt": attempt, "status": status})
        for stray in set(_children()) - self._own - self._attempts.keys():
            with suppress(OSError):  # it died first
                os.kill(stray, signal.SIGKILL)
                os.waitpid(stray, os.WNOHANG)


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


def _threads() -> list[str]:
    """Names of threads that a fork would lose; one that was joined just now gets a moment to be gone."""
    for _ in range(_LOOKS):
        names = _threads_now()
        if not names:
            break
        time.sleep(_MOMENT)
    return names


def _threads_now() -> list[str]:
    python = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    try:
        tasks = [task for task in os.listdir("/proc/self/task") if int(task) != os.getpid()]  # noqa: PTH208 - start-up
    except OSError:
        return python
    main, *native = [_thread_name(task) for task in (str(os.getpid()), *tasks)]
    names = [_NATIVE if name == main else name for name in native if name and name not in _HARMLESS_THREADS]
    return python or [*dict.fromkeys(names)]


def _thread_name(task: str) -> str:
    try:
        with open(f"/proc/self/task/{task}/comm", encoding="utf-8", errors="replace") as comm:  # noqa: PTH123 - start-up
            return comm.read().strip()
    except OSError:  # it has ended just now
        return ""


def _children() -> list[int]:
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", "rb") as children:  # noqa: PTH123 - start-up
            return [int(pid) for pid in children.read().split()]
    except OSError:
        return []


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
    zygote = Zygote(Wire(connection, with_files=True))
    try:
        zygote.serve()
    except (EOFError, OSError):
        zygote.end()  # the kernel hung up
    finally:
        os._exit(0)  # without finalizers: they would run once more for everything that the set-up registered
