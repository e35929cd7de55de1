"""Notices in the middle of a check that what it uses is not what it was.

A change that is made while the candidate is called may be undone before the exam is looked at again: by a finalizer,
a thread, the collector. So it is looked for as soon as the candidate has returned, where it would count.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from types import ModuleType

from .seal import codes, reached

Watch = Callable[[], str]  # what is changed, empty when nothing is


def watch(names: Mapping[str, object], given: AbstractSet[str], reads: set[str], attributes: set[str]) -> Watch:
    """Look at the given names that a check reads, those behind them, and the parts of modules that these use."""
    found = {name: names[name] for name in reached({name: names[name] for name in given & names.keys()}, reads)}
    parts = attributes.union(*(code.co_names for value in found.values() for code in codes(value)))
    used = [(name, names.get, name, value) for name, value in found.items()]
    for label, value in [("", builtins), *((f"{name}.", value) for name, value in found.items())]:
        if isinstance(value, ModuleType):
            used.append((value.__name__, type, value, type(value)))  # type: ignore[arg-type] # looked up like the others
            wanted = vars(value).keys() & (parts if label else parts | reads)
            used += [(f"{label}{part}", vars(value).get, part, vars(value)[part]) for part in wanted]

    def changed() -> str:
        for label, get, key, value in used:
            if get(key) is not value:
                return label
        return ""

    return changed
