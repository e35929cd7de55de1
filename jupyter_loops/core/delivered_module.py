"""The module that a candidate's code is defined in: it has one name, in the exam and where it is delivered."""

from __future__ import annotations

import linecache
import re
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

PARENT = "jupyter_loops_delivered"
_PICKLERS = ("cloudpickle", "joblib.externals.cloudpickle")


class Loader:
    """Gives tracebacks and `inspect` the source of a module."""

    def __init__(self, source: str) -> None:
        self._source = source

    def get_source(self, fullname: str) -> str:  # noqa: ARG002  # one loader a module
        """The module's text."""
        return self._source

    def create_module(self, spec: ModuleSpec) -> None:
        """The default."""

    def exec_module(self, module: ModuleType) -> None:
        """Raise ImportError: it is defined once, by its delivery."""
        raise ImportError(f"{module.__name__} is defined when its loop is run, and not imported again")


def module_name(loop: str, setup: str, text: str) -> str:
    """The name for a candidate's text, which follows a set-up."""
    import hashlib  # the sandbox's child never comes here

    slug = re.sub(r"\W", "_", loop) or "loop"
    digest = hashlib.sha256(f"{setup}\0{text}".encode("utf-8", "surrogatepass")).hexdigest()
    return f"{PARENT}.{slug}_{digest[:6]}"


def identify(module: Any, name: str, source: str) -> None:
    """Give a module its name and its text."""
    module.__name__, module.__file__ = name, f"{name.replace('.', '/')}.py"
    module.__loader__, module.__package__ = Loader(source), PARENT
    module.__spec__ = ModuleSpec(name, module.__loader__, origin=module.__file__)
    linecache.cache[module.__file__] = (len(source), None, source.splitlines(keepends=True), module.__file__)


def register(name: str, module: ModuleType) -> None:
    """Have imports, and what pickles by name, find it."""
    parent = sys.modules.get(PARENT)
    if parent is None:
        parent = ModuleType(PARENT, "What loops have delivered in this process.")
        parent.__path__ = []
        sys.modules[PARENT] = parent
    sys.modules[name] = module
    setattr(parent, name.rpartition(".")[2], module)


def carry_by_value(module: ModuleType) -> None:
    """Have joblib, loky and Dask carry it to workers that do not have it, where they are imported."""
    for pickler in _PICKLERS:
        if pickler in sys.modules:
            sys.modules[pickler].register_pickle_by_value(module)
