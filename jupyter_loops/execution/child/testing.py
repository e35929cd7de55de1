"""A real pytest on the user's tests, in the examiner's process.

A test counts when it has been collected, run and passed.
"""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import Any

from .value_text import clip

_MOST_FAILURES = 10
_LONG = 400  # characters of one
_QUIET = ("-q", "--no-header", "--color=no", "--tb=short", "-p", "no:cacheprovider", "--import-mode=prepend")


class PytestRunner:
    """pytest, imported before any candidate runs. Made in the zygote, used once in a fork."""

    def __init__(self, module: str) -> None:
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # none of the user's environment by surprise
        for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
            os.environ.pop(name, None)
        import _pytest.unittest  # noqa: F401 - what it loads late, it loads now
        import pytest

        self._module = module  # what tests import the candidate from
        self._main, self._pytest = pytest.main, pytest

    def run(self, tests: list[str], roots: list[str], names: dict[str, Any], targets: list[str]) -> dict[str, Any]:
        """The outcome of the tests, as JSON."""
        main = sys.modules["__main__"]
        sys.modules[self._module] = main
        common = os.path.commonpath(roots)
        options = [*_QUIET, "-c", os.devnull, f"--rootdir={common}", f"--confcutdir={common}"]
        watch = _Watch()
        sys.dont_write_bytecode = True
        code = int(self._main([*options, *tests], plugins=[watch, self._fixtures(names, targets)]))
        return _outcome(watch, problem=_why(code, watch))

    def _fixtures(self, names: dict[str, Any], targets: list[str]) -> ModuleType:
        """A plugin with one fixture a target."""
        module = ModuleType("targets_of_the_loop")
        for name in targets:
            setattr(module, name, self._pytest.fixture(name=name)(_giving(names[name])))
        return module


class _Watch:
    """A plugin that records the outcome of each test."""

    def __init__(self) -> None:
        self.collected: set[str] = set()
        self.passed: set[str] = set()
        self.skipped: set[str] = set()
        self.failed: dict[str, str] = {}
        self.broken: dict[str, str] = {}

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.broken[str(report.nodeid)] = _words(report)

    def pytest_collection_finish(self, session: Any) -> None:
        self.collected = {item.nodeid for item in session.items}

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


def _why(code: int, watch: _Watch) -> str:
    if watch.broken:
        return f"{next(iter(watch.broken))} cannot be collected: {next(iter(watch.broken.values()))}"
    unheard = watch.collected - watch.passed - watch.skipped - watch.failed.keys()
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
    failures = [{"test": clip(test, 200), "message": words} for test, words in list(failed.items())[:_MOST_FAILURES]]
    passed, skipped = (len(watch.passed - failed.keys()), len(watch.skipped)) if watch else (0, 0)
    counts = {"passed": passed, "failed": len(failed), "skipped": skipped}
    return {**counts, "problem": clip(problem, _LONG), "failures": failures}
