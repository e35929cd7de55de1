"""The dollars that all runs of one kernel may spend together: the budget of `jupyter loops run`."""

from __future__ import annotations

import os
import threading

from jupyter_loops.core.ports import Allowance
from jupyter_loops.errors import BudgetError, OptionError

VARIABLE = "JUPYTER_LOOPS_NOTEBOOK_USD"
_NEAR = 1e-9  # US dollars: what adding up floats may do


class NotebookAllowance:
    """Dollars of this process."""

    def __init__(self, limit: float) -> None:
        self._limit, self._taken = limit, 0.0
        self._lock = threading.Lock()

    @property
    def scope(self) -> str:
        """Whose money it is."""
        return f"this notebook's ${self._limit:g} (--usd of jupyter loops run)"

    def take(self, least: float, most: float) -> float:
        """Reserve up to `most`. Raises BudgetError where `least` is not there."""
        with self._lock:
            free = self._limit - self._taken
            if free < least - _NEAR:
                raise BudgetError("usd", least, free, self.scope)
            reserved = min(most, max(free, 0.0))
            self._taken += reserved
            return reserved

    def settle(self, reserved: float, used: float) -> None:
        """Replace a reservation by what was used."""
        with self._lock:
            self._taken += used - reserved


class JointAllowance:
    """Two allowances, both of which have to hold a call."""

    def __init__(self, first: Allowance, second: Allowance) -> None:
        self._first, self._second = first, second

    @property
    def scope(self) -> str:
        """Whose money it is."""
        return " and ".join(filter(None, [self._first.scope, self._second.scope]))

    def take(self, least: float, most: float) -> float:
        """Reserve the same of both. Raises BudgetError, and then nothing is reserved."""
        first = self._first.take(least, most)
        try:
            both = self._second.take(least, first)
        except BudgetError:
            self._first.settle(first, 0.0)
            raise
        if both < first:
            self._first.settle(first - both, 0.0)
        return both

    def settle(self, reserved: float, used: float) -> None:
        """Settle both."""
        self._first.settle(reserved, used)
        self._second.settle(reserved, used)


_LOCK = threading.Lock()
_NOTEBOOK: list[NotebookAllowance] = []


def within_notebook(day: Allowance) -> Allowance:
    """The day's allowance, and the notebook's where `jupyter loops run` has set one. Raises OptionError."""
    text = os.environ.get(VARIABLE)
    if text is None:
        return day
    with _LOCK:
        if not _NOTEBOOK:
            try:
                _NOTEBOOK.append(NotebookAllowance(float(text)))
            except ValueError:
                raise OptionError(f"{VARIABLE} is a number of US dollars, got {text[:40]!r}") from None
    return JointAllowance(day, _NOTEBOOK[0])
