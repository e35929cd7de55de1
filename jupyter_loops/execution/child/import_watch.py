"""Checks a candidate's imports against its lists of modules at run time, where the source does not show them.

Only imports by the candidate's code count: a library that it may use imports what it needs.
"""

from __future__ import annotations

import builtins
import importlib
import sys
from typing import Any

from .fault import SourceLines


def watch_imports(rules: dict[str, Any] | None, names: dict[str, Any], sources: SourceLines) -> None:
    """Refuse imports against the rules by code that runs in `names`, except by the code of the cell."""
    if rules is None:
        return
    import_, import_module = builtins.__import__, importlib.import_module

    def foreign(depth: int) -> bool:
        caller = sys._getframe(depth + 1)  # noqa: SLF001 - there is no other way to know the caller
        return caller.f_globals is names and not sources.is_the_users(caller.f_code.co_filename)

    def checked_import(name: str, globals_: Any = None, locals_: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        if foreign(1):
            for member in fromlist or ():
                _refuse(rules, f"{name}.{member}".removesuffix(".*"))
            if not fromlist:
                _refuse(rules, name)
        return import_(name, globals_, locals_, fromlist, level)

    def checked_import_module(name: str, package: str | None = None) -> Any:
        if foreign(1):
            _refuse(rules, name)
        return import_module(name, package)

    vars(builtins)["__import__"] = checked_import
    vars(importlib)["import_module"] = checked_import_module


def _refuse(rules: dict[str, Any], module: str) -> None:
    allowed = rules["allowed"]
    if _within(module, rules["denied"]) or (allowed is not None and not _within(module, allowed)):
        raise ImportError(f"`{module}` must not be imported here: {rules['rule']}")


def _within(module: str, names: list[str]) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in names)
