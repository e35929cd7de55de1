"""The world of every candidate: the notebook's names, the executed set-up, and the resolved targets."""

from __future__ import annotations

import builtins
import io
import os
import pickle
import random
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from mmap import ACCESS_COPY, mmap
from types import ModuleType
from typing import Any

from jupyter_loops.execution.crossing.classes import reachable_classes

from .fault import SourceLines
from .target_contract import DATA, TargetContract

MAPPED_FILES: dict[int, os.stat_result] = {}  # descriptors of the notebook's names, open while they are mapped
ADVICE_ON_SETUP = (
    "raise --setup-timeout, or compute in an earlier cell what the set-up needs: the sandbox receives its values"
)


class SetupFailedError(Exception):
    """The world cannot be built; args are the class of error that the kernel raises, and its message."""


class SetupTimeoutError(BaseException):
    """The set-up took too long. Not an Exception, so that `except Exception` does not catch it."""


class CandidateWorld:
    """One module, `__main__`, in which set-up, candidate and checks all run."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.module = ModuleType("__main__")
        self.module.__dict__["__builtins__"] = builtins
        self.setup_name = order["setup_name"]
        self.imports: dict[str, Any] | None = order["imports"]  # the rules for the candidate's imports; None: no rules
        self.limits: dict[str, Any] | None = order["limits"]  # resource limits of a candidate
        self.received: set[int] = set()  # ids of classes of the notebook
        self.sources = SourceLines()
        self.targets: list[TargetContract] = []
        self.bench: Any = None  # a testing.PytestRunner, where a check needs pytest
        self.roots: tuple[str, ...] = tuple(order["tests"])  # folders of the user's tests
        self.changing = frozenset(order["state"])  # names whose values the set-up's functions change
        self.shut_in: dict[str, Any] = order["shut_in"]  # the plan of what candidates may access
        self.sources.online = self.shut_in["level"] == "process"
        self.watched: bool = order["watched"]  # module-level statements must not have effects
        self.most: int = order["most"]  # bytes of one answer of a candidate's
        self._random_state: Any = None  # of the module `random`, where the set-up has seeded it

    @property
    def names(self) -> dict[str, Any]:
        """The module's namespace."""
        return self.module.__dict__

    def build(self, order: dict[str, Any], payload: memoryview) -> None:
        """Receive the notebook's names and run the set-up. Raises SetupFailedError."""
        sys.modules["__main__"] = self.module
        if sys.version_info < (3, 12) and any(target["kind"] == DATA for target in order["targets"]):
            _modernise_typed_dict()
        self._receive(order, payload)
        before = random.getstate()
        with _working_in(order["setup_cwd"]):
            self._run_setup(order["setup"], order["setup_seconds"])
        state = random.getstate()
        self._random_state = None if state == before else state
        self.targets = [self._target(target) for target in order["targets"]]
        if order["tests"]:
            self.bench = self._bench(order["loop"])

    def restore_random(self) -> None:
        """Undo that Python seeds `random` anew in a forked child, where the set-up has seeded it."""
        if self._random_state is not None:
            random.setstate(self._random_state)

    def _bench(self, module: str) -> Any:
        try:
            from .testing import PytestRunner

            return PytestRunner(module)
        except ImportError as error:
            raise SetupFailedError("preflight", f"pytest(…) needs pytest: pip install pytest ({error})") from error

    def schemas(self) -> dict[str, Any]:
        """JSON schema of each data target. Raises SetupFailedError."""
        schemas = {}
        for target in self.targets:
            try:
                schema = target.schema()
            except Exception as error:
                raise SetupFailedError("preflight", f"target {target.name}: no JSON schema for it: {error}") from error
            if schema is not None:
                schemas[target.name] = schema
        return schemas

    def add_names(self, order: dict[str, Any], payload: memoryview) -> None:
        """Receive more names of the notebook that a candidate reads; names of the set-up are not replaced."""
        self.sources.absent.update(order["absent"])
        if not order["names"] or order["names"][0] in self.names:
            return
        try:
            self._receive(order, payload)
        except SetupFailedError as unready:
            self.sources.absent[order["names"][0]] = unready.args[1]

    def receive_private(self, order: dict[str, Any], files: list[int]) -> None:
        """Receive names that only the examiner gets. Raises SetupFailedError."""
        self._receive(order, opened(order, files))

    def _receive(self, order: dict[str, Any], payload: memoryview) -> None:
        if not order["names"]:
            return
        start = order["pickled"]
        buffers = [payload[offset : offset + size] for offset, size in order["buffers"]]
        unpickler = pickle.Unpickler(io.BytesIO(payload[:start]), buffers=buffers)  # noqa: S301 - from the kernel, trusted
        for name in order["names"]:
            try:
                self.names[name] = unpickler.load()
            except Exception as error:
                why = f"{type(error).__name__}: {error}"
                advice = "create it in the set-up of the cell instead"
                raise SetupFailedError(
                    "preflight", f"{name!r} could not be rebuilt in the sandbox ({why}); {advice}"
                ) from error
        self.received |= {id(kind) for kind in reachable_classes(self.names[name] for name in order["names"])}

    def _run_setup(self, source: str, seconds: float | None) -> None:
        if not source.strip():
            return
        self.sources.add(self.setup_name, source)
        try:
            with _interrupted_after(seconds):
                exec(compile(source, self.setup_name, "exec", dont_inherit=True), self.names)  # noqa: S102 - the user's own
        except BaseException as error:
            fault = self.sources.tell(error)
            lines = [frame["line"] for frame in fault["frames"]]
            where = f"line {lines[-1]}: " if lines else ""
            words = str(error) if isinstance(error, SetupTimeoutError) else f"{fault['type']}: {fault['message']}"
            raise SetupFailedError("setup", f"{where}{words}") from error

    def _target(self, spec: dict[str, Any]) -> TargetContract:
        annotation = None
        if spec["annotation"]:
            try:
                annotation = eval(spec["annotation"], self.names)  # noqa: S307 - the user's own cell
            except Exception as error:
                why = f"{type(error).__name__}: {error}"
                message = f"line {spec['line']}: the type of {spec['name']}: {spec['annotation']} is unknown ({why})"
                raise SetupFailedError("preflight", message) from error
        source = spec["annotation"] or spec["source"]
        return TargetContract(name=spec["name"], kind=spec["kind"], source=source, annotation=annotation)


def _modernise_typed_dict() -> None:
    """Before Python 3.12, pydantic reads only the TypedDict of typing_extensions; let the set-up get that one."""
    import typing

    from typing_extensions import TypedDict

    typing.TypedDict = TypedDict


def opened(order: dict[str, Any], files: list[int]) -> memoryview:
    """The payload with the notebook's names, from a descriptor or a path."""
    if files:
        return mapped(files[0])
    if order["cargo"]:
        return mapped(os.open(order["cargo"], os.O_RDONLY | getattr(os, "O_BINARY", 0)))
    return memoryview(b"")


def mapped(file: int) -> memoryview:
    """The payload, mapped copy-on-write: arrays in it are writable, and forks share their pages."""
    size = os.fstat(file).st_size
    if not size:
        os.close(file)
        return memoryview(b"")
    free = os.dup(file)  # the descriptor that the mapping will open for itself
    os.close(free)
    view = memoryview(mmap(file, size, access=ACCESS_COPY))
    with suppress(OSError):
        if os.path.sameopenfile(free, file):
            MAPPED_FILES[free] = os.fstat(file)
    os.close(file)
    return view


@contextmanager
def _interrupted_after(seconds: float | None) -> Iterator[None]:
    """Raise SetupTimeoutError in the set-up after so many seconds; the kernel ends what this cannot interrupt."""
    if seconds is None or not hasattr(signal, "setitimer"):
        yield
        return

    def interrupt(*_: object) -> None:
        raise SetupTimeoutError(f"the set-up did not end within {seconds:g} s; {ADVICE_ON_SETUP}")

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _working_in(folder: str) -> Iterator[None]:
    before = os.getcwd()  # noqa: PTH109 - pathlib costs 3 ms of start-up
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
