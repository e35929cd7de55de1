"""Mocks that a check passes to a target: they stay in the examiner, which records the calls of their proxies."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from .arguments import is_magic, is_mock

SPECIAL = (
    *("__getitem__", "__setitem__", "__delitem__", "__len__", "__iter__", "__contains__", "__bool__"),
    *("__enter__", "__exit__", "__int__", "__float__", "__str__"),
)
Back = Callable[[str, tuple[Any, ...], dict[str, Any]], Any]  # a verb and its arguments, to the examiner


def perform_on_mock(mock: Any, verb: str, args: tuple[Any, ...]) -> Any:
    """Do to a mock what the candidate asks, besides calling it. It cannot read the records of calls."""
    name, *more = args
    if not is_mock(mock) or type(name) is not str:
        raise AttributeError(str(name))
    if verb == "special":
        if name not in SPECIAL or not is_magic(mock):
            raise AttributeError(name)
        return getattr(mock, name)(*more)
    if name.startswith("_") or hasattr(sys.modules["unittest.mock"].MagicMock, name):
        raise AttributeError(name)
    return setattr(mock, name, *more) if verb == "set" else getattr(mock, name)


class MockProxy:
    """Forwards to a mock of the examiner's."""

    def __init__(self, back: Back, back_async: Back | None) -> None:
        vars(self).update(_back=back, _back_async=back_async)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Have it called, and recorded."""
        return (self._back_async or self._back)("call", args, kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._back("get", (name,), {})

    def __setattr__(self, name: str, value: object) -> None:
        self._back("set", (name, value), {})


def _forward(name: str) -> Callable[..., Any]:
    def forward(self: Any, *args: Any) -> Any:
        return self._back("special", (name, *args), {})

    return forward


class MagicMockProxy(MockProxy):
    """Forwards special methods as well."""


for _name in SPECIAL:
    setattr(MagicMockProxy, _name, _forward(_name))
MagicMockProxy.__exit__ = lambda self, *_: self._back("special", ("__exit__", None, None, None), {})  # type: ignore[attr-defined] # a traceback cannot be sent
