"""The containers of the language and of collections; those that hold only atoms are one node."""

from __future__ import annotations

from array import array
from collections import ChainMap, Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterable
from types import MappingProxyType, SimpleNamespace
from typing import Any

from .kind import Decoding, Encoding, Node, ValueKind, count, expect
from .plain_values import ATOMS
from .refusal import UnreadableError

FACTORIES: dict[str, type] = {
    kind.__name__: kind for kind in (list, dict, set, int, float, str, bool, tuple, deque, Counter, defaultdict)
}
_IDS = frozenset(map(id, ATOMS))  # a metaclass may say that its class equals another
FACTORY: Any = vars(defaultdict)["default_factory"]
_MAXLEN: Any = vars(deque)["maxlen"]
_TYPECODE: Any = vars(array)["typecode"]
_TYPECODES = frozenset("bBuwhHiIlLqQfd")


def flat(values: Iterable[object]) -> bool:
    """Whether values are all atoms."""
    return _IDS.issuperset(map(id, map(type, values)))


def sequence(tag: str, items: list[Any]) -> Node:
    """The node of some items."""
    return (tag, items, ()) if flat(items) else (tag, None, items)


def mapping(tag: str, items: list[Any]) -> Node:
    """The node of key and value pairs."""
    pairs = [element for pair in items for element in pair]
    return sequence(tag, pairs)


def items_of(payload: Any, children: list[Any]) -> list[Any]:
    """The items of a node made by `sequence`. Raises UnreadableError."""
    if payload is None:
        return children
    if type(payload) is not list or children or not flat(payload):
        raise UnreadableError("the items are not atoms")
    return payload


def pairs_of(payload: Any, children: list[Any]) -> list[tuple[Any, Any]]:
    """The pairs of a node made by `mapping`. Raises UnreadableError."""
    items = items_of(payload, children)
    if len(items) % 2:
        raise UnreadableError("a key has no value")
    return list(zip(items[::2], items[1::2], strict=True))


def _of_defaultdict(value: Any, _: Encoding) -> Node | None:
    factory = FACTORY.__get__(value)
    name = next((name for name, kind in FACTORIES.items() if kind is factory), None)
    if factory is not None and name is None:
        return None
    return "defaultdict", name, [element for pair in dict.items(value) for element in pair]


def _of_deque(value: Any, _: Encoding) -> Node:
    return "deque", _MAXLEN.__get__(value), list(deque.__iter__(value))


def _of_array(value: Any, _: Encoding) -> Node:
    if _TYPECODE.__get__(value) in "uw":
        return "array", (_TYPECODE.__get__(value), array.tounicode(value)), ()
    return "array", (_TYPECODE.__get__(value), array.tobytes(value)), ()


DESCRIBE: dict[type, Any] = {
    list: lambda value, _: sequence("list", list.__getitem__(value, slice(None))),
    tuple: lambda value, _: sequence("tuple", list(tuple.__iter__(value))),
    set: lambda value, _: sequence("set", list(set.__iter__(value))),
    frozenset: lambda value, _: sequence("frozenset", list(frozenset.__iter__(value))),
    dict: lambda value, _: mapping("dict", list(dict.items(value))),
    OrderedDict: lambda value, _: mapping("OrderedDict", list(OrderedDict.items(value))),
    Counter: lambda value, _: mapping("Counter", list(dict.items(value))),
    bytearray: lambda value, _: ("bytearray", bytearray.__getitem__(value, slice(None)), ()),
    defaultdict: _of_defaultdict,
    deque: _of_deque,
    array: _of_array,
    ChainMap: lambda value, _: ("ChainMap", None, [value.maps]),
    MappingProxyType: lambda value, _: ("mappingproxy", None, [dict(value)]),
    SimpleNamespace: lambda value, _: mapping("SimpleNamespace", list(vars(value).items())),
}


def _fill_list(target: list[Any], payload: Any, children: list[Any], _: Decoding) -> None:
    target.extend(items_of(payload, children))


def _fill_set(target: set[Any], payload: Any, children: list[Any], _: Decoding) -> None:
    target.update(items_of(payload, children))


def _fill_dict(target: dict[Any, Any], payload: Any, children: list[Any], _: Decoding) -> None:
    for key, value in pairs_of(payload, children):
        dict.__setitem__(target, key, value)


def _fill_ordered(target: OrderedDict[Any, Any], payload: Any, children: list[Any], _: Decoding) -> None:
    for key, value in pairs_of(payload, children):
        target[key] = value


def _fill_pairs(target: dict[Any, Any], _: Any, children: list[Any], decoding: Decoding) -> None:
    _fill_dict(target, None, children, decoding)


def _fill_namespace(target: Any, payload: Any, children: list[Any], _: Decoding) -> None:
    for key, value in pairs_of(payload, children):
        if expect(key, str, "a name").startswith("__"):
            raise UnreadableError("a name is special")
        vars(target)[key] = value


def _make_defaultdict(payload: Any, _: list[Any], __: Decoding) -> object:
    return defaultdict(None if payload is None else FACTORIES[expect(payload, str)])


def _make_deque(payload: Any, _: list[Any], __: Decoding) -> object:
    return deque(maxlen=None if payload is None else expect(payload, int))


def _make_array(payload: Any, _: list[Any], decoding: Decoding) -> object:
    code, content = payload if type(payload) is tuple and len(payload) == 2 else ("", b"")  # noqa: PLR2004
    if type(code) is not str or code not in _TYPECODES or type(content) is not (str if code in "uw" else bytes):
        raise UnreadableError("an array has no such type")
    decoding.spend(len(content))
    return array(code, content)


def _make_bytearray(payload: Any, _: list[Any], __: Decoding) -> object:
    return expect(payload, bytearray)


def _chain(target: Any, _: Any, children: list[Any], __: Decoding) -> None:
    (maps,) = count(children, 1)
    if type(maps) is not list or not all(isinstance(member, dict | ChainMap | MappingProxyType) for member in maps):
        raise UnreadableError("the maps of a ChainMap are none")
    target.maps = maps


def _proxy(_: Any, children: list[Any], __: Decoding) -> object:
    return MappingProxyType(expect(count(children, 1)[0], dict))


KINDS: dict[str, ValueKind] = {
    "list": ValueKind(lambda *_: [], _fill_list),
    "tuple": ValueKind(lambda payload, children, _: tuple(items_of(payload, children))),
    "set": ValueKind(lambda *_: set(), _fill_set),
    "frozenset": ValueKind(lambda payload, children, _: frozenset(items_of(payload, children))),
    "dict": ValueKind(lambda *_: {}, _fill_dict),
    "OrderedDict": ValueKind(lambda *_: OrderedDict(), _fill_ordered),
    "Counter": ValueKind(lambda *_: Counter(), _fill_dict),
    "bytearray": ValueKind(_make_bytearray),
    "defaultdict": ValueKind(_make_defaultdict, _fill_pairs),
    "deque": ValueKind(_make_deque, lambda target, _, children, __: target.extend(children)),
    "array": ValueKind(_make_array),
    "ChainMap": ValueKind(lambda *_: ChainMap(), _chain),
    "mappingproxy": ValueKind(_proxy),
    "SimpleNamespace": ValueKind(lambda *_: SimpleNamespace(), _fill_namespace),
}
