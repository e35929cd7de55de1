"""Defines verified code in the kernel without side effects and without output."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import get_ident
from typing import Any

from jupyter_loops.core.module_level import execute
from jupyter_loops.errors import DeliveryError


def define(tree: ast.Module, filename: str, names: dict[str, Any]) -> None:
    """Run the statements of a candidate's module in `names`. Raises DeliveryError for any side effect."""
    try:
        with quiet():
            acts = execute(tree, filename, names)
    except Exception as error:
        raise DeliveryError(f"the verified code cannot be defined in the notebook: {error_summary(error)}") from error
    if acts:
        raise DeliveryError(str(acts[0]))


@contextmanager
def quiet() -> Iterator[None]:
    """Drop what this thread prints. Other threads still print."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (_Muted(stream, get_ident()) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def error_summary(error: BaseException) -> str:
    """An exception in one line."""
    return f"{type(error).__name__}: {error!s:.300}"


class _Muted:
    """A stream that drops what one thread writes."""

    def __init__(self, stream: Any, thread: int) -> None:
        self._stream, self._thread = stream, thread

    def write(self, text: str) -> int:
        return len(text) if get_ident() == self._thread else int(self._stream.write(text))

    def writelines(self, lines: list[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
