"""What a module may not do while it is imported: start processes, write files, use the network, change settings.

Acts are heard by an audit hook that looks at a flag of the thread; what raises no event is compared before and after.
What a library does while it is imported is its own affair. Only the standard library is imported here: the sandbox's
child uses this module as well.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import local
from types import FrameType
from typing import Any

from .audit_events import words
from .library_settings import SETTINGS, Setting

_IMPORTER = "<frozen importlib"
_HARMLESS = frozenset({"tqdm._monitor"})  # a thread that only redraws a progress bar
_here = local()
_installed: list[bool] = []


@dataclass(frozen=True, slots=True)
class Act:
    """Something that a module tried at its top level; `line` is 0 where it is not known."""

    line: int
    what: str  # "starts a process"

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        return f"{where}the module {self.what} when it is imported; move it into the function"


class ModuleLevelError(PermissionError):
    """A module has acted at its top level; raised where it tried."""


@dataclass(slots=True)
class _Watch:
    filename: str
    acts: list[Act] = field(default_factory=list)


@contextmanager
def watched(filename: str, tree: ast.Module | None) -> Iterator[list[Act]]:
    """Refuse what code with this file name does in this thread, in a list that fills; put settings back at the end.

    `tree` is the syntax of the module: a setting that differs afterwards counts as an act where the text names
    what changes it, and is put back in silence where it does not. None: settings may change, as imports change them.
    """
    _install()
    watch, outer = _Watch(filename), getattr(_here, "watch", None)
    before = [(setting, setting.read()) for setting in SETTINGS] if tree else []
    _here.watch = watch
    try:
        yield watch.acts
    except SystemExit:
        watch.acts.append(Act(_line_of_raise(filename), "ends the program"))
        raise
    finally:
        _here.watch = outer
        watch.acts += [act for setting, value in before if tree and (act := _put_back(setting, value, tree))]


def execute(tree: ast.Module, filename: str, names: dict[str, Any]) -> list[Act]:
    """Run a module's statements in `names`; what it tried and was refused, with what it raised for that reason.

    Imports run by themselves, so that a setting which a library changes while it is imported is not the module's act.
    """
    flags = _future(tree)
    acts: list[Act] = []
    for part, imports in _parts(tree):
        program = compile(part, filename, "exec", flags=flags, dont_inherit=True)
        try:
            with watched(filename, None if imports else tree) as acts:
                exec(program, names)  # noqa: S102  # what it is for
        except BaseException:
            if not acts:  # else it is what came of them
                raise
        if acts:
            break
    return acts


def _parts(tree: ast.Module) -> Iterator[tuple[ast.Module, bool]]:
    """The module in as few pieces as there are turns between imports and other statements."""
    part: list[ast.stmt] = []
    imports = True
    for statement in tree.body:
        if part and _only_imports(statement) is not imports:
            yield ast.Module(part, []), imports
            part = []
        imports = _only_imports(statement)
        part.append(statement)
    yield ast.Module(part, []), imports


def _only_imports(statement: ast.stmt) -> bool:
    """Whether it imports, on whatever condition, and calls nothing."""
    nodes = [*ast.walk(statement)]
    return any(isinstance(node, ast.Import | ast.ImportFrom) for node in nodes) and not any(
        isinstance(node, ast.Call | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Subscript | ast.Delete)
        or (isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load))
        for node in nodes
    )


def _future(tree: ast.Module) -> int:
    import __future__

    features = (
        getattr(__future__, alias.name)
        for statement in tree.body
        if isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
        for alias in statement.names
    )
    flags = 0
    for feature in features:
        flags |= feature.compiler_flag
    return flags


def _install() -> None:
    if not _installed:
        _installed.append(True)
        sys.addaudithook(_hear)
        if sys.version_info < (3, 12):
            _tell_of_threads()


def _tell_of_threads() -> None:
    """Before Python 3.12 a new thread raises no audit event; let it raise the one of today."""
    import threading

    start = threading._start_new_thread  # type: ignore[attr-defined] # noqa: SLF001

    def start_new_thread(function: Any, *arguments: Any) -> int:
        sys.audit("_thread.start_new_thread", function, *arguments)
        return int(start(function, *arguments))

    threading._start_new_thread = start_new_thread  # type: ignore[attr-defined] # noqa: SLF001


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    watch: _Watch | None = getattr(_here, "watch", None)
    if watch is None:
        return
    what = words(event, arguments)
    if not what:
        return
    frame = sys._getframe(1)  # noqa: SLF001
    if event == "sys.settrace" and frame.f_globals.get("__name__") == "doctest":  # which puts back what was there
        return
    line = _line_of_act(frame, watch.filename, direct=event.startswith("ctypes."))
    if line:
        act = Act(line, what)
        watch.acts.append(act)
        raise ModuleLevelError(str(act))


def _line_of_act(frame: FrameType | None, filename: str, *, direct: bool) -> int:
    """The module's line that leads to the act; 0 where a library does it while it is imported, or it is nobody's."""
    line = 0
    while frame is not None:
        name = frame.f_code.co_filename
        if name == filename:
            line = frame.f_lineno
            if frame.f_code.co_name == "<module>":
                return line
        elif not line:
            module = frame.f_globals.get("__name__", "")
            if name.startswith(_IMPORTER) or module in _HARMLESS:
                return 0
            if direct and module.partition(".")[0] not in {"ctypes", "_ctypes"}:
                return 0
        frame = frame.f_back
    return line


def _line_of_raise(filename: str) -> int:
    trace = sys.exc_info()[2]
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == filename:
            return trace.tb_lineno
        trace = trace.tb_next
    return 0


def _put_back(setting: Setting, before: Any, tree: ast.Module) -> Act | None:
    after = setting.read()
    if before is None or after is None or after == before:
        return None
    setting.write(before)
    line = _names(tree, setting.hints)
    return Act(line, setting.what) if line else None


def _names(tree: ast.Module, hints: frozenset[str]) -> int:
    """The line of the first statement that names one of these; 0 where none does."""
    for statement in tree.body:
        for node in ast.walk(statement):
            written = {getattr(node, key, None) for key in ("id", "attr", "name", "asname", "module")}
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                written.add(node.value)
            if not hints.isdisjoint(name for name in written if isinstance(name, str)):
                return getattr(node, "lineno", statement.lineno)
    return 0
