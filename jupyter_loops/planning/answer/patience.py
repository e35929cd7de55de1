"""A time limit for reading an answer on the run's thread."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import perf_counter

_END: ContextVar[float] = ContextVar("end", default=math.inf)


class Impatient(Exception):
    """Reading would take longer than its time limit."""


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Inside, `afford` raises Impatient once this time is over."""
    token = _END.set(perf_counter() + seconds)
    try:
        yield
    finally:
        _END.reset(token)


def afford(seconds: float = 0.0) -> None:
    """Raise Impatient where a step of `seconds` would pass the time limit."""
    if perf_counter() + seconds > _END.get():
        raise Impatient
