"""The module in which verified code is defined. It is registered with its source, and pickled by value."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from jupyter_loops.core.delivered_module import PARENT, carry_by_value, identify, register


@contextmanager
def registered(name: str, source: str) -> Iterator[ModuleType]:
    """An empty module for this text, to be filled; it is forgotten again where that fails."""
    module = ModuleType(name)
    identify(module, name, source)
    before = sys.modules.get(name)
    _register(name, module)
    try:
        yield module
    except BaseException:
        _forget(name, before)
        raise


def _register(name: str, module: ModuleType) -> None:
    import cloudpickle  # noqa: F401 - now, so that it hears of the module

    register(name, module)
    carry_by_value(module)


def _forget(name: str, before: ModuleType | None) -> None:
    import cloudpickle

    if before is not None:
        _register(name, before)
        return
    cloudpickle.unregister_pickle_by_value(sys.modules[name])
    del sys.modules[name]
    delattr(sys.modules[PARENT], name.rpartition(".")[2])
