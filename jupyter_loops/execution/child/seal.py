"""Notices what a candidate changed of the world that its checks rely on.

A seal is a closure that holds all it needs: there is no class of ours whose method could be replaced under it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from operator import is_
from types import CodeType, FunctionType, ModuleType

from .stamp import has_stamps, kind, stamp

Seal = Callable[[], list[str]]  # what is broken, by name
Table = tuple[str, Mapping[str, object]]  # a dict, or the proxy of a class's, and what to call it

_LIKELY = (
    "abc ast asyncio builtins cmath collections copy datetime decimal difflib enum fractions functools hashlib inspect"
    " io itertools json json.decoder json.encoder linecache marshal math numbers operator os os.path pathlib posixpath"
    " pprint random re socket statistics string struct textwrap time traceback types typing unittest unittest.mock"
    " warnings numpy numpy.testing pandas pandas.testing pydantic"
)
MODULES = tuple(_LIKELY.split())
_LIVELY = frozenset({"_", "__annotations__", "__builtins__", "__doc__", "__warningregistry__", "_abc_impl"})
_PATCHED = frozenset({"typing._check_generic", "typing._collect_parameters"})  # by typing_extensions, once imported
_PLAIN = frozenset({str, bytes, int, float, bool, type(None)})
_table = type.__dict__["__dict__"].__get__  # a class's own attributes, whatever its metaclass says
_HEAP = 1 << 9  # Py_TPFLAGS_HEAPTYPE: made by a class statement, so that it can be changed


def sealed(tables: Iterable[Table]) -> Seal:
    """Names the entries of the tables that are replaced or removed later; what is added does not count."""
    kept = [(label, table, tuple(table), tuple(table.values())) for label, table in tables]
    numbers = [stamp(table) for _, table, _, _ in kept]
    stamps = [number(0) for number in numbers]

    def broken() -> list[str]:
        found = []
        changed = [place for place, number in enumerate(numbers) if number(0) != stamps[place]]
        for label, table, keys, values in [kept[place] for place in changed]:  # a look at others would copy their pages
            get, now = table.get, table.values()
            if len(now) < len(values) or False in map(is_, now, values):  # new ones come last
                found += [
                    f"{label}.{key}"
                    for key, value in zip(keys, values, strict=True)
                    if get(key) is not value and key not in _LIVELY and not _is_state(key, value, get(key))
                    if f"{label}.{key}" not in _PATCHED
                ]
        return found

    return broken


def _is_state(name: str, before: object, now: object) -> bool:
    """Whether a library may have done it by itself: an equal value made anew, or a private one that cannot be called.

    matplotlib chooses its backend with the first figure, plotly sets the time zone once more.
    """
    return (name.startswith("_") and not name.startswith("__") and not callable(before)) or _is_equal(before, now)


def _is_equal(before: object, now: object) -> bool:
    """Of plain values only: others might have an opinion of their own."""
    if type(before) is not type(now):
        return False
    if type(before) is tuple and type(now) is tuple:
        return len(before) == len(now) and all(map(_is_equal, before, now))
    return type(before) in _PLAIN and before == now


def surroundings(names: Mapping[str, object], ours: Iterable[ModuleType]) -> Seal:
    """Modules that checks are likely to use, the classes of those that the set-up uses, our own, and `sys.modules`."""
    given = [value for value in names.values() if isinstance(value, ModuleType)]
    common = [sys.modules[name] for name in MODULES if name in sys.modules]
    theirs = sealed([*_tables(common), *_tables(given), *_classes(given), ("sys.modules", sys.modules)])
    own = list(ours)
    for module in own:
        vars(module).setdefault("__warningregistry__", {})  # else a warning would set it, whoever's it is
    mine = [*_tables(own), *_classes(own)]
    replaced, touched = sealed(mine), untouched(mine)
    others = same_kind((*common, *given, *own))
    return lambda: [*theirs(), *replaced(), *touched(), *others()]


def same_kind(modules: tuple[ModuleType, ...]) -> Seal:
    """Names the modules that got another class."""
    reads = [kind(each) for each in modules]
    kinds = [read(0) for read in reads]
    return lambda: [modules[place].__name__ for place, read in enumerate(reads) if read(0) != kinds[place]]


def untouched(tables: Iterable[Table]) -> Seal:
    """Names the tables in which anything was changed, even where it was changed back."""
    kept = [*tables] if has_stamps() else []
    numbers = [stamp(table) for _, table in kept]
    stamps = [number(0) for number in numbers]
    return lambda: [kept[place][0] for place, number in enumerate(numbers) if number(0) != stamps[place]]


def _tables(modules: Iterable[ModuleType]) -> list[Table]:
    return [(module.__name__, vars(module)) for module in {id(each): each for each in modules}.values()]


def _classes(modules: Iterable[ModuleType]) -> list[Table]:
    classes = {id(each): each for module in modules for each in vars(module).values() if _is_made(each)}
    return [(each.__qualname__, _table(each)) for each in classes.values() if isinstance(each, type)]


def exam(names: Mapping[str, object], targets: set[str]) -> Seal:
    """The functions and classes of set-up and notebook, from the inside."""
    functions: list[tuple[str, FunctionType]] = []
    classes: list[tuple[str, type]] = []
    for name, value in names.items():
        if isinstance(value, FunctionType) and name not in targets:
            functions.append((name, value))
        elif _is_made(value) and isinstance(value, type):
            classes.append((name, value))
    for name, each in classes:
        functions += [(f"{name}.{key}", value) for key, value in _table(each).items() if type(value) is FunctionType]
    kept = [(name, each, _inside(each)) for name, each in functions]
    attributes = sealed((name, _table(each)) for name, each in classes)

    def broken() -> list[str]:
        changed = [name for name, each, before in kept if False in map(is_, _inside(each), before)]
        return [*changed, *attributes()]

    return broken


def _inside(function: FunctionType) -> tuple[object, ...]:
    """What a function does and with what, in parts that are the same objects as long as nobody changes them."""
    cells = function.__closure__ or ()
    defaults = function.__defaults__ or (None,)
    named = function.__kwdefaults__ or {}
    return (function.__code__, *defaults, *named.values(), *(cell.cell_contents for cell in cells if _is_full(cell)))


def _is_full(cell: object) -> bool:
    try:
        return cell.cell_contents is not cell  # type: ignore[attr-defined] # a cell of a closure
    except ValueError:
        return False


def own_classes(names: Mapping[str, object]) -> frozenset[type]:
    """Classes that set-up or notebook made, those of their values, and what they inherit from."""
    named = {each if isinstance(each, type) else type(each) for each in names.values()}
    return frozenset(base for each in named for base in type.mro(each) if _is_made(base))


def reached(names: Mapping[str, object], read: Iterable[str]) -> set[str]:
    """The names that are read, and those that the functions and classes behind them read in turn."""
    found: set[str] = set()
    waiting = [name for name in read if name in names]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [each for code in codes(names[name]) for each in code.co_names if each in names]
    return found


def _is_made(value: object) -> bool:
    return isinstance(value, type) and bool(value.__flags__ & _HEAP)


def codes(value: object) -> list[CodeType]:
    """Of a function, or of a class's methods, with the functions inside."""
    if isinstance(value, FunctionType):
        return _nested(value.__code__)
    if not isinstance(value, type):
        return []
    methods = [each for each in _table(value).values() if isinstance(each, FunctionType)]
    return [code for each in methods for code in _nested(each.__code__)]


def _nested(code: CodeType) -> list[CodeType]:
    return [code, *(inner for each in code.co_consts if isinstance(each, CodeType) for inner in _nested(each))]
