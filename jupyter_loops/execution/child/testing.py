"""A real pytest on the user's tests, in a child that nothing but the candidate has touched.

pytest is imported before the candidate is; what it consists of is remembered then, and has to be the same after
the tests. A test counts when it has been collected, run and passed: exit codes alone are the candidate's to fake.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from .describe import clip
from .fault import CANDIDATE

_PARTS = ("pytest", "_pytest", "pluggy", "unittest")
_TOLD = 10  # failures
_LONG = 400  # characters of one
_QUIET = ("-q", "--no-header", "--color=no", "--tb=short", "-p", "no:cacheprovider", "--import-mode=prepend")


class Bench:
    """pytest as it was before any candidate. Made in the zygote, used once in a fork."""

    def __init__(self, module: str) -> None:
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # none of the user's environment by surprise
        for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
            os.environ.pop(name, None)
        import _pytest.unittest  # noqa: F401 - what it loads late, it loads now
        import pytest

        self._module = module  # what tests import the candidate from
        self._main, self._pytest = pytest.main, pytest
        self._parts = list(_callables())
        self._finders = (list(sys.meta_path), list(sys.path_hooks), list(sys.path))

    def run(self, tests: list[str], roots: list[str], names: dict[str, Any], targets: list[str]) -> dict[str, Any]:
        """What came of the tests, as JSON."""
        problem = self._changed()
        if problem:
            return _outcome(problem=problem)
        self._restore(roots)
        main = sys.modules["__main__"]
        sys.modules[self._module] = main
        Path("pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        common = os.path.commonpath(roots)
        options = [*_QUIET, "-c", "pytest.ini", f"--rootdir={common}", f"--confcutdir={common}"]
        watch = _Watch()
        sys.dont_write_bytecode = True
        code = int(self._main([*options, *tests], plugins=[watch, self._fixtures(names, targets)]))
        return _outcome(watch, problem=self._changed() or _why(code, watch))

    def _restore(self, roots: list[str]) -> None:
        """Find modules as before, and none that the candidate has put in the place of a test's."""
        sys.meta_path[:], sys.path_hooks[:], sys.path[:] = self._finders
        sys.path_importer_cache.clear()
        stems = {path.stem for root in map(Path, roots) for path in root.glob("**/*.py")}
        for name in [name for name in sys.modules if name in stems or name == "conftest"]:
            del sys.modules[name]

    def _fixtures(self, names: dict[str, Any], targets: list[str]) -> ModuleType:
        """A plugin with one fixture a target."""
        module = ModuleType("targets_of_the_loop")
        for name in targets:
            setattr(module, name, self._pytest.fixture(name=name)(_giving(names[name])))
        return module

    def _changed(self) -> str:
        for holder, name, value, code in self._parts:
            now = vars(holder).get(name)
            if now is not value or getattr(now, "__code__", None) is not code:
                return f"the code changes pytest itself ({holder.__name__}.{name})"
        return ""


class _Watch:
    """A plugin that keeps the books."""

    def __init__(self) -> None:
        self.collected: dict[str, object] = {}
        self.passed: set[str] = set()
        self.skipped: set[str] = set()
        self.failed: dict[str, str] = {}
        self.broken: dict[str, str] = {}

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.broken[str(report.nodeid)] = _words(report)

    def pytest_collection_finish(self, session: Any) -> None:
        self.collected = {item.nodeid: getattr(getattr(item, "obj", None), "__code__", None) for item in session.items}

    def pytest_runtest_makereport(self, item: Any, call: Any) -> None:
        """Note what the candidate itself did to get out of a test."""
        error = call.excinfo
        code = getattr(getattr(item, "obj", None), "__code__", None)
        if code is not self.collected.get(item.nodeid):
            self.failed[item.nodeid] = "the code changes the test"
        if error is None or isinstance(error.value, AssertionError):
            return
        own = any(entry.frame.code.raw.co_filename == CANDIDATE for entry in error.traceback)
        if own and type(error.value).__module__.partition(".")[0] in {"_pytest", "unittest"}:
            self.failed[item.nodeid] = f"the code leaves the test by {type(error.value).__name__}"

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.failed.setdefault(report.nodeid, _words(report))
        elif report.skipped:
            self.skipped.add(report.nodeid)
        elif report.when == "call":
            self.passed.add(report.nodeid)


def _giving(value: object) -> Any:
    def give() -> object:
        return value

    return give


def _callables() -> Iterator[tuple[Any, str, object, object]]:
    """Every function, method and class that pytest consists of."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] not in _PARTS or not isinstance(module, ModuleType):
            continue
        for attribute, value in list(vars(module).items()):
            if isinstance(value, FunctionType | type):
                yield module, attribute, value, getattr(value, "__code__", None)
            if isinstance(value, type) and value.__module__ == name:
                for inner, method in list(vars(value).items()):
                    if isinstance(method, FunctionType | property | classmethod | staticmethod):
                        yield value, inner, method, getattr(method, "__code__", None)


def _why(code: int, watch: _Watch) -> str:
    if watch.broken:
        return f"{next(iter(watch.broken))} cannot be collected: {next(iter(watch.broken.values()))}"
    unheard = watch.collected.keys() - watch.passed - watch.skipped - watch.failed.keys()
    if not watch.collected:
        return "no test was found"
    if unheard:
        return f"{len(unheard)} of {len(watch.collected)} tests did not come to an end"
    if not watch.passed and not watch.failed:
        return "every test was skipped"
    return f"pytest ended with status {code}" if code and not watch.failed else ""


def _words(report: Any) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    words = f"line {crash.lineno}: {crash.message}" if crash is not None else str(report.longrepr)
    return clip(" ".join(words.split()), _LONG)


def _outcome(watch: _Watch | None = None, *, problem: str) -> dict[str, Any]:
    failed = watch.failed if watch else {}
    failures = [{"test": clip(test, 200), "message": words} for test, words in list(failed.items())[:_TOLD]]
    passed, skipped = (len(watch.passed - failed.keys()), len(watch.skipped)) if watch else (0, 0)
    counts = {"passed": passed, "failed": len(failed), "skipped": skipped}
    return {**counts, "problem": clip(problem, _LONG), "failures": failures}
