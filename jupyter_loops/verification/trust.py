"""Who decided: a value of the user's or of a library's, or a class that the candidate made up.

Whatever hands an expected value to a method of the candidate's lets the candidate mark its own exam: `==`, `<`, `in`,
arithmetic, numpy's protocols, and a class that says it is another. Such a result does not count. Comparing two values
of the candidate's own classes with each other is fine, as long as they are not equal to everything.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from types import BuiltinFunctionType, FunctionType, MethodDescriptorType, WrapperDescriptorType
from typing import Any

_PLAIN: frozenset[type] = frozenset(
    {int, float, complex, bool, str, bytes, bytearray, type(None), range, slice, type(Ellipsis), FunctionType}
)
_MAPS, _GROUPS = frozenset({dict}), frozenset({list, tuple, set, frozenset})
_COMPARES = {
    "Eq": ("__eq__",), "NotEq": ("__ne__", "__eq__"), "Lt": ("__lt__", "__gt__"), "Gt": ("__gt__", "__lt__"),
    "LtE": ("__le__", "__ge__"), "GtE": ("__ge__", "__le__"), "In": ("__contains__", "__eq__"),
    "NotIn": ("__contains__", "__eq__"),
}  # fmt: skip
_ARITHMETIC = {
    "Add": "add", "Sub": "sub", "Mult": "mul", "Div": "truediv", "FloorDiv": "floordiv", "Mod": "mod", "Pow": "pow",
    "MatMult": "matmul", "BitAnd": "and", "BitOr": "or", "BitXor": "xor", "LShift": "lshift", "RShift": "rshift",
}  # fmt: skip
_DECISIVE = frozenset(
    {name for names in _COMPARES.values() for name in names}
    | {f"__{side}{name}__" for name in _ARITHMETIC.values() for side in ("", "r")}
    | {"__abs__", "__neg__", "__round__", "__bool__", "__int__", "__float__", "__index__"}
)
_COMPARISONS: tuple[Any, ...] = (operator.eq, operator.lt, operator.le, operator.gt, operator.ge)
_LITERAL = (int, float, complex, str, bytes)
_DISGUISES = ("__class__", "__array_function__", "__array_ufunc__")
_SLOTS = (BuiltinFunctionType, MethodDescriptorType, WrapperDescriptorType)
_DEEP = 6  # levels of containers that are looked through
_table = type.__dict__["__dict__"].__get__  # a class's own attributes, whatever its metaclass says
_lineage = type.__dict__["__mro__"].__get__


class Trust:
    """Tells the candidate's classes from all others. Made before the candidate runs."""

    def __init__(self, names: dict[str, Any], own: Iterable[type] = ()) -> None:
        self._names = names  # the namespace that candidates run in
        self._own = frozenset(own)  # classes of the user's, which run in the same namespace
        self._methods: dict[tuple[type, str], bool] = {}
        self._disguised: dict[type, bool] = {}
        self._decides: dict[type, bool] = {}
        self.watch: Callable[[], str] = str  # what the check uses and the candidate has changed; set for each check

    def doubt(self, value: object) -> str:
        """Why a value is not what it seems, in one line; empty for nearly all."""
        kind, changed = type(value), self.watch()
        if changed:
            return f"the code changes `{changed}`, which the checks rely on; leave it as it is, and work on a copy"
        if kind in _PLAIN or kind in _GROUPS or kind in _MAPS:
            return ""
        if kind not in self._disguised:
            self._disguised[kind] = any(self._made_up(kind, name) for name in _DISGUISES)
            self._decides[kind] = any(self._made_up(kind, name) for name in _DECISIVE)
        if self._disguised[kind]:
            return f"a value of the candidate's class {_name(kind)} says that it is another"
        if self._decides[kind] and (issubclass(kind, _LITERAL) or _agrees(value)):
            return f"a value of the candidate's class {_name(kind)} decides what it equals; give a plain value"
        return ""

    def decided(self, operator: str, left: object, right: object, result: object) -> str:
        """Why the result of a binary operation does not count, in a few words; empty where it does."""
        methods = _COMPARES.get(operator) or self._reflected(operator)
        if not methods:
            return ""
        ours = [self._foreign(side, methods) for side in (left, right)]
        culprit = ours[0] or ours[1]
        if culprit is None or _says_different(operator, result):
            return ""
        if operator in _ARITHMETIC and self._foreign(result, methods) is not None:
            return ""
        if ours[0] is None or ours[1] is None or _likes_everything(operator, left, right):
            return f"is decided by {_name(culprit)}, a class that the candidate made up; give a plain value"
        return ""

    def _reflected(self, operator: str) -> tuple[str, ...]:
        name = _ARITHMETIC.get(operator)
        return (f"__{name}__", f"__r{name}__") if name else ()

    def _foreign(self, value: object, methods: tuple[str, ...]) -> type | None:
        """The first class of the candidate's that one of the methods would come from."""
        for each in _kinds(value, _DEEP):
            if any(self._made_up(each, method) for method in methods):
                return each
        return None

    def _made_up(self, kind: type, method: str) -> bool:
        key = (kind, method)
        if key not in self._methods:
            self._methods[key] = self._look(kind, method)
        return self._methods[key]

    def _look(self, kind: type, method: str) -> bool:
        for each in _lineage(kind):
            found = _table(each).get(method)
            if found is not None:
                return each not in self._own and not self._is_a_library_s(each, found)
        return False

    def _is_a_library_s(self, kind: type, found: object) -> bool:
        if type(found) in _SLOTS or not kind.__flags__ & 1 << 9:  # Py_TPFLAGS_HEAPTYPE: made by a class statement
            return getattr(found, "__objclass__", kind) in (kind, *_lineage(kind))
        if type(found) is not FunctionType:
            return type(found).__module__ == "builtins" and kind.__module__ != "__main__"
        return found.__globals__ is not self._names and not found.__code__.co_filename.startswith("<")


def _kinds(value: object, depth: int) -> Iterator[type]:
    """The classes of a value and of what it contains, but for plain ones."""
    kind = type(value)
    if kind in _PLAIN:
        return
    if kind in _GROUPS:
        parts: Iterable[Any] = value  # type: ignore[assignment] # a builtin container
    elif kind in _MAPS:
        parts = [*value, *value.values()]  # type: ignore[misc, attr-defined] # a dict
    elif str(getattr(value, "dtype", "")) == "object" and hasattr(value, "ravel"):
        parts = value.ravel().tolist()
    else:
        yield kind
        return
    if depth and not set(map(type, parts)) <= _PLAIN:
        for part in parts:
            yield from _kinds(part, depth - 1)


def _says_different(operator: str, result: object) -> bool:
    """What two values of unlike classes are anyway."""
    return (
        result is False
        if operator in {"Eq", "In", "Lt", "LtE", "Gt", "GtE"}
        else result is True and (operator in {"NotEq", "NotIn"})
    )


class _Nothing:
    """Equal to nothing else."""

    __slots__ = ()


def _agrees(value: object) -> bool:
    """Whether a value says that it compares with what it cannot know."""
    for compare in _COMPARISONS:
        try:
            if compare(value, _Nothing()):
                return True
        except Exception:  # noqa: BLE001, S112 - it minds, which is fine
            continue
    return False


def _likes_everything(operator: str, left: object, right: object) -> bool:
    if operator not in {"Eq", "NotEq", "In", "NotIn"}:
        return False
    try:
        return bool(left == _Nothing()) or bool(right == _Nothing())
    except Exception:  # noqa: BLE001 - it minds, which is fine
        return False


def _name(kind: type) -> str:
    return str(type.__getattribute__(kind, "__name__"))[:60]
