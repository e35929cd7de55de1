"""How long an answer may be read for by one who has other things to do."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import perf_counter

_END: ContextVar[float] = ContextVar("end", default=math.inf)


class Impatient(Exception):
    """Reading would take longer than there is patience for."""


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Have `afford` raise Impatient inside, once so much time is over."""
    token = _END.set(perf_counter() + seconds)
    try:
        yield
    finally:
        _END.reset(token)


def afford(seconds: float = 0.0) -> None:
    """Raise Impatient where there is no time for a step that may take so long."""
    if perf_counter() + seconds > _END.get():
        raise Impatient
