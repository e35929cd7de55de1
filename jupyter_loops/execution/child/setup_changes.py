"""What a module does to the classes and modules of the set-up while it is defined: it would do so in the notebook."""

from __future__ import annotations

import re
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from types import ModuleType

from jupyter_loops.execution.crossing.classes import is_of_a_library

_MAPPINGS = frozenset({dict, defaultdict, OrderedDict, Counter})
_SEQUENCES = frozenset({list, set, tuple, frozenset, deque})
_MOST = 10_000  # objects behind one attribute that are looked at
_MOVE = "move it into the function, or make a subclass"
Attributes = dict[str, list[object]]  # with all that is behind them


class SetupChanges:
    """Their plain attributes as they are now, and which differ later."""

    def __init__(self, names: Mapping[str, object], kinds: Iterable[type]) -> None:
        modules = {name: value for name, value in names.items() if isinstance(value, ModuleType)}
        self._modules = [(name, module, dict(vars(module))) for name, module in modules.items()]
        classes = [kind for kind in kinds if not is_of_a_library(kind.__module__)]
        self._kinds: list[tuple[type, Attributes, list[type]]] = [
            (kind, _attributes(kind), type.__subclasses__(kind)) for kind in classes
        ]

    def first(self, text: str, given: set[int]) -> str:
        """What the text has changed, and what to do instead; `given` are ids of classes that the cell does not make.

        A class of the cell's own may note its subclasses: it is made anew where the text is delivered.
        """
        named = frozenset(re.findall(r"[.'\"](\w+)", text))
        for kind, before, subclasses in self._kinds:
            for name in _differing(before, _attributes(kind)):
                what = f"changes {kind.__qualname__}.{name}"
                if name in named:
                    return f"{what} when it is imported; {_MOVE}"
                if name.startswith("_") and name.endswith("_"):  # Python's own notes, or an Enum's, or pydantic's
                    continue
                if type.__subclasses__(kind) == subclasses:
                    return f"{what} when it is imported, by an object that it makes; {_MOVE}"
                if id(kind) in given or kind.__module__ != "__main__":
                    return f"{what} of the notebook by a subclass; make the subclass inside the function"
        for name, module, values in self._modules:
            for each in (each for each in named & vars(module).keys() if _is_set(text, name, each)):
                if values.get(each, values) is not vars(module)[each]:
                    return f"changes {name}.{each} when it is imported; move it into the function"
        return ""


def _is_set(text: str, module: str, name: str) -> bool:
    """Whether the text sets it, and not an import."""
    return bool(re.search(rf"\b{module}\.{name}\b[^=\n]*=(?!=)|\bsetattr\(\s*{module}\b|\bvars\(\s*{module}\b", text))


def _attributes(kind: type) -> Attributes:
    return {name: [*_behind(value)] for name, value in list(vars(kind).items())}


def _differing(before: Attributes, after: Attributes) -> Iterator[str]:
    for name in {**before, **after}:
        old, new = before.get(name), after.get(name)
        if old is None or new is None or len(old) != len(new) or any(a is not b for a, b in zip(old, new, strict=True)):
            yield name


def _behind(value: object) -> Iterator[object]:
    """A value, and what it holds."""
    waiting, seen = [value], set[int]()
    while waiting and len(seen) < _MOST:
        each = waiting.pop()
        yield each
        if id(each) in seen:
            continue
        seen.add(id(each))
        kind = type(each)
        if kind in _MAPPINGS:
            waiting += [*each, *each.values()]  # type: ignore[misc, attr-defined] # a mapping
        elif kind in _SEQUENCES:
            waiting += each  # type: ignore[arg-type] # a sequence
        elif not isinstance(each, type) and not is_of_a_library(kind.__module__):
            with suppress(AttributeError):  # asked of the object alone, and of no method of its class
                waiting += object.__getattribute__(each, "__dict__").values()
