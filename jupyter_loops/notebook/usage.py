"""Turns a mistake in a cell into the one line that IPython shows for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from IPython.core.error import UsageError

from jupyter_loops.errors import CellError


@contextmanager
def usage(magic: str) -> Iterator[None]:
    """Raise UsageError itself, whose output is one line; a subclass of it would print a traceback."""
    try:
        yield
    except CellError as error:
        raise UsageError(f"{magic}: {error.shown}") from None
