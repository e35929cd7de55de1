"""The module in which verified code is defined. It is registered with its source, and pickled by value."""

from __future__ import annotations

import hashlib
import linecache
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

PARENT = "jupyter_loops_delivered"


class Loader:
    """Gives tracebacks and `inspect` the source of a delivered module."""

    def __init__(self, source: str) -> None:
        self._source = source

    def get_source(self, fullname: str) -> str:  # noqa: ARG002  # one loader a module
        """The module's text."""
        return self._source

    def create_module(self, spec: ModuleSpec) -> None:
        """The default."""

    def exec_module(self, module: ModuleType) -> None:
        """Raise ImportError: the delivery alone defines the module."""
        raise ImportError(f"{module.__name__} is defined when its loop is run, and not imported again")


@contextmanager
def registered(loop: str, source: str) -> Iterator[ModuleType]:
    """An empty registered module for this text. An error in the block removes it again."""
    module = _create(loop, source)
    name = module.__name__
    before = sys.modules.get(name)
    _register(name, module)
    try:
        yield module
    except BaseException:
        _forget(name, before)
        raise


def _create(loop: str, source: str) -> ModuleType:
    slug = re.sub(r"\W", "_", loop) or "loop"
    name = f"{PARENT}.{slug}_{hashlib.sha256(source.encode('utf-8', 'surrogatepass')).hexdigest()[:6]}"
    module: Any = ModuleType(name)
    module.__file__ = f"{name.replace('.', '/')}.py"
    module.__loader__ = Loader(source)
    module.__package__ = PARENT
    module.__spec__ = ModuleSpec(name, module.__loader__, origin=module.__file__)
    linecache.cache[module.__file__] = (len(source), None, source.splitlines(keepends=True), module.__file__)
    return module  # type: ignore[no-any-return]


def _register(name: str, module: ModuleType) -> None:
    import cloudpickle

    parent = sys.modules.get(PARENT)
    if parent is None:
        parent = ModuleType(PARENT, "What loops have delivered in this process.")
        parent.__path__ = []
        sys.modules[PARENT] = parent
    sys.modules[name] = module
    setattr(parent, name.rpartition(".")[2], module)
    cloudpickle.register_pickle_by_value(module)  # so that workers of joblib, loky and Dask get it


def _forget(name: str, before: ModuleType | None) -> None:
    import cloudpickle

    if before is not None:
        _register(name, before)
        return
    cloudpickle.unregister_pickle_by_value(sys.modules[name])
    del sys.modules[name]
    delattr(sys.modules[PARENT], name.rpartition(".")[2])
