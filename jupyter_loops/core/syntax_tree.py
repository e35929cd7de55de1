"""Python text as a syntax tree, also where two threads parse at once.

CPython 3.11 and 3.12 count the depth of all trees under construction together. A thread switch inside of one, which a
finalizer can cause, makes another thread's `ast.parse` raise SystemError: "recursion depth mismatch".
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")
_TRIES = 20


def parse_module(text: str) -> ast.Module:
    """Statements. Raises what `ast.parse` raises."""
    return _steadily(lambda: ast.parse(text))


def parse_expression(text: str) -> ast.Expression:
    """One expression. Raises what `ast.parse` raises."""
    return _steadily(lambda: ast.parse(text, mode="eval"))


def _steadily(parse: Callable[[], _T]) -> _T:
    for _ in range(_TRIES - 1):
        try:
            return parse()
        except SystemError:
            continue
    return parse()
