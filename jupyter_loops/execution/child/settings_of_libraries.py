"""Keeps the examiner from settings that a candidate has written: Matplotlib reads them from the working folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

_NAME = "matplotlib"


def ignore_settings_of_candidates() -> None:
    """Have Matplotlib imported from `/` in this process, where no candidate can write."""
    sys.meta_path.insert(0, _FromRoot())


class _FromRoot:
    """Finds Matplotlib alone."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        found = PathFinder.find_spec(name, path, target) if name == _NAME else None
        if found is not None and found.loader is not None:
            with suppress(AttributeError):  # another loader than that of files
                vars(found.loader)["exec_module"] = _at_root(found.loader.exec_module)
        return found


def _at_root(run: Callable[[ModuleType], object]) -> Callable[[ModuleType], None]:
    def at_root(module: ModuleType) -> None:
        here = os.open(".", os.O_RDONLY)
        try:
            os.chdir("/")
            run(module)
        finally:
            os.fchdir(here)
            os.close(here)

    return at_root
