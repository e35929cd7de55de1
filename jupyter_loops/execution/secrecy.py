"""Finds the notebook's values that are secrets by their names, or that hold one."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from jupyter_loops.core.secrets import is_secret
from jupyter_loops.errors import PreflightError

from .picklability import walk

STAY = "secrets stay in the notebook; --give {} hands it over"
_WRAPPED = frozenset({"SecretStr", "SecretBytes", "Secret"})  # of pydantic and others
_LAST = re.compile(r"([\w -]+)\W*$")  # the name in a step: `.password`, `['password']`, `'s password`
_LISTS = (list, tuple, set, frozenset)


def why_secret(name: str, value: object) -> str:
    """Why a value stays in the notebook, and the option that sends it; empty if it may be sent."""
    for way, inside in walk(value):
        if type(inside).__name__ in _WRAPPED or _is_secret(way or name, inside):
            where = f"{name}{way} is a secret by its name" if way else "its name says that it is a secret"
            return f"{where}, and {STAY.format(name)}"
    return ""


def keep_back(names: Mapping[str, object], exempt: Collection[str]) -> None:
    """Raise PreflightError if a cell reads secrets that are not in `exempt`."""
    for name, value in names.items():
        if name not in exempt and (why := why_secret(name, value)):
            raise PreflightError(f"the cell reads {name}, which candidates could read too: {why}")


def _is_secret(way: str, value: object) -> bool:
    if isinstance(value, str | bytes):
        return bool(value) and is_secret(_last(way), value)
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, _LISTS) else ()
    return bool(items) and is_secret(_last(way)) and any(isinstance(item, str | bytes) for item in items)


def _last(way: str) -> str:
    named = _LAST.search(way)
    return named[1] if named else ""
