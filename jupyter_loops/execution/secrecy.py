"""Which of the notebook's values are secrets by their names, or hold one that is."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from jupyter_loops.core.secrets import is_secret
from jupyter_loops.errors import PreflightError

from .picklability import walk

STAY = "secrets stay in the notebook; --give {} hands it over"
_WRAPPED = frozenset({"SecretStr", "SecretBytes", "Secret"})  # of pydantic and others
_LAST = re.compile(r"([\w -]+)\W*$")  # name of a step: `.password`, `['password']`, `'s password`
_LISTS = (list, tuple, set, frozenset)


def why_secret(name: str, value: object) -> str:
    """Why a value stays in the notebook, and what hands it over; empty where it may go."""
    for way, inside in walk(value):
        if type(inside).__name__ in _WRAPPED or _is_secret(way or name, inside):
            where = f"{name}{way} is a secret by its name" if way else "its name says that it is a secret"
            return f"{where}, and {STAY.format(name)}"
    return ""


def keep_back(names: Mapping[str, object], given: Collection[str]) -> None:
    """Raise PreflightError where a cell reads secrets that were not given on purpose."""
    for name, value in names.items():
        if name not in given and (why := why_secret(name, value)):
            raise PreflightError(f"the cell reads {name}, which candidates could read too: {why}")


def _is_secret(way: str, value: object) -> bool:
    if isinstance(value, str | bytes):
        return bool(value) and is_secret(_last(way), value)
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, _LISTS) else ()
    return bool(items) and is_secret(_last(way)) and any(isinstance(item, str | bytes) for item in items)


def _last(way: str) -> str:
    named = _LAST.search(way)
    return named[1] if named else ""
