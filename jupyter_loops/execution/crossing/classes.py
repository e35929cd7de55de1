"""The classes that both sides have: made before there is a candidate, so that a number means the same to both."""

from __future__ import annotations

import os
import site
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType

from .refusal import UnreadableError

_DATA = ("__dataclass_fields__", "__attrs_attrs__", "__pydantic_fields__")
_LIBRARIES = ("stdlib", "platstdlib", "purelib", "platlib")


class Classes:
    """A numbered table of the user's classes."""

    def __init__(self, kinds: Iterable[type] = ()) -> None:
        self.kinds = tuple(kinds)
        self._rebuilt: dict[int, tuple[bool, bool]] = {}
        self._numbers = {id(kind): number for number, kind in enumerate(self.kinds)}

    @staticmethod
    def of(names: Mapping[str, object]) -> Classes:
        """Every class that names lead to, and every class of the user's modules."""
        return Classes(reachable_classes([*names.values(), *defined_in(project_modules())]))

    def number(self, kind: type) -> int | None:
        """The number of a class of the table."""
        return self._numbers.get(id(kind))

    def at(self, number: int) -> type:
        """The class of a number. Raises UnreadableError."""
        if type(number) is not int or not 0 <= number < len(self.kinds):
            raise UnreadableError("it is of a class that is not known")
        return self.kinds[number]

    def rebuilds(self, kind: type, *, error: bool = False) -> bool:
        """Whether instances of a class of the table may be made from their state."""
        if id(kind) not in self._rebuilt:
            self._rebuilt[id(kind)] = _has_no_finaliser(kind), _is_data(kind)
        simple, data = self._rebuilt[id(kind)]
        return simple and (error or data)

    def __len__(self) -> int:
        return len(self.kinds)


def _has_no_finaliser(kind: type) -> bool:
    return not any("__del__" in vars(base) for base in kind.__mro__)


def _is_data(kind: type) -> bool:
    return not is_of_a_library(kind.__module__) or any(name in vars(kind) for name in _DATA)


def _classes_of(value: object) -> Iterator[type]:
    if isinstance(value, type):
        yield value
    elif isinstance(value, list | tuple | set | frozenset):
        yield from map(type, value)
    elif isinstance(value, dict):
        yield from map(type, value.values())
    yield type(value)


def defined_in(modules: Iterable[ModuleType]) -> Iterator[object]:
    """All that modules have names for."""
    return (value for module in modules for value in list(vars(module).values()))


def reachable_classes(values: Iterable[object]) -> list[type]:
    """The classes among values, of values and of their items, with the bases and nested classes of these."""
    kinds: dict[int, type] = {}
    for value in values:
        for kind in _classes_of(value):
            _collect(kind, kinds)
    return [*kinds.values()]


def _collect(kind: type, kinds: dict[int, type]) -> None:
    waiting = [kind]
    while waiting:
        current = waiting.pop()
        if id(current) in kinds or current.__module__ == "builtins":
            continue
        kinds[id(current)] = current
        if not is_of_a_library(current.__module__):
            waiting.extend(value for value in list(vars(current).values()) if isinstance(value, type))
            waiting.extend(current.__mro__[1:])


def project_modules() -> Iterator[ModuleType]:
    """Modules that are of no library: `__main__`, and those of the user's project."""
    for name, module in sorted(sys.modules.items()):
        if isinstance(module, ModuleType) and not is_of_a_library(name):
            yield module


_INSTALLED = tuple(f"{os.sep}{name}{os.sep}" for name in ("site-packages", "dist-packages"))  # a virtual environment's


def is_of_a_library(name: str) -> bool:
    """Whether a module is of the standard library, installed, or has no file."""
    if name == "__main__" or name not in sys.modules:
        return False
    if name.partition(".")[0] in sys.stdlib_module_names:
        return True
    path = getattr(sys.modules.get(name), "__file__", None)
    return not isinstance(path, str) or path.startswith(_PREFIXES) or any(folder in path for folder in _INSTALLED)


def _prefixes() -> tuple[str, ...]:
    installed = [sysconfig.get_path(name) for name in _LIBRARIES]
    package = [__file__.rpartition("/execution/")[0]]
    return tuple(path for path in [*installed, *site.getsitepackages(), site.getusersitepackages(), *package] if path)


_PREFIXES = _prefixes()
