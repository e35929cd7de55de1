"""Arrow's types and schemas in plain words; extension types and metadata are left out."""

from __future__ import annotations

import sys
from typing import Any

from .kind import fields, imported
from .refusal import UnreadableError, UnsendableError

_BARE = {
    **{name: name for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "string")},
    **{name: name for name in ("null", "large_string", "binary", "large_binary", "month_day_nano_interval")},
    "bool": "bool_",
    "halffloat": "float16",
    "float": "float32",
    "double": "float64",
    "date32[day]": "date32",
    "date64[ms]": "date64",
}
_UNITS = {"s", "ms", "us", "ns"}
_TIMED = ("time32", "time64", "duration")
_DECIMALS = ("decimal32", "decimal64", "decimal128", "decimal256")
_LISTS = {"list": "list_", "large_list": "large_list"}
_DEEPEST = 32
_WIDEST = 1 << 24  # bytes, or items, of a row: Arrow aborts for some that are negative


def type_of(kind: Any) -> Any:
    """A type in plain words. Raises UnsendableError."""
    types, name = sys.modules["pyarrow"].types, str(kind)
    if name in _BARE:
        return name
    if types.is_timestamp(kind):
        return "timestamp", kind.unit, kind.tz
    word = name.partition("[")[0].partition("(")[0].partition("<")[0]
    if word in _TIMED:
        return word, kind.unit
    if word in _DECIMALS:
        return word, kind.precision, kind.scale
    if types.is_fixed_size_binary(kind):
        return "fixed_size_binary", kind.byte_width
    return _nested(types, word, kind)


def _nested(types: Any, word: str, kind: Any) -> Any:
    if types.is_fixed_size_list(kind):
        return "fixed_size_list", _field(kind.value_field), kind.list_size
    if word in _LISTS:
        return word, _field(kind.value_field)
    if types.is_struct(kind):
        return "struct", tuple(_field(kind.field(place)) for place in range(kind.num_fields))
    if types.is_map(kind):
        return "map", _field(kind.key_field), _field(kind.item_field), bool(kind.keys_sorted)
    if types.is_dictionary(kind):
        return "dictionary", type_of(kind.index_type), type_of(kind.value_type), bool(kind.ordered)
    raise UnsendableError(f"Arrow's type {kind} does not cross: cast it first")


def _field(field: Any) -> tuple[str, Any, bool]:
    return field.name, type_of(field.type), field.nullable


def schema_of(schema: Any) -> tuple[Any, ...]:
    """A schema in plain words. Raises UnsendableError."""
    return tuple(_field(field) for field in schema)


def schema_from(words: Any) -> Any:
    """A schema from its plain words. Raises UnreadableError."""
    pa = imported("pyarrow")

    if type(words) is not tuple:
        raise UnreadableError("a schema is none")
    return pa.schema([_field_from(field, 0) for field in words])


def type_from(words: Any, depth: int = 0) -> Any:
    """A type from its plain words. Raises UnreadableError."""
    pa = imported("pyarrow")

    if type(words) is str and words in _BARE:
        return getattr(pa, _BARE[words])()
    if type(words) is not tuple or not words or type(words[0]) is not str or depth > _DEEPEST:
        raise UnreadableError("Arrow has no such type")
    word, *args = words
    if word in {"timestamp", *_TIMED}:
        return _timed(pa, word, args)
    if word in {"fixed_size_binary", *_DECIMALS} and all(type(size) is int and 0 <= size <= _WIDEST for size in args):
        return (pa.binary if word == "fixed_size_binary" else getattr(pa, word))(*args)
    return _nested_from(pa, word, args, depth + 1)


def _timed(pa: Any, word: str, args: list[Any]) -> Any:
    if not args or args[0] not in _UNITS or not all(type(arg) in {str, type(None)} for arg in args):
        raise UnreadableError("Arrow has no such type")
    return getattr(pa, word)(*args)


def _nested_from(pa: Any, word: str, args: list[Any], depth: int) -> Any:
    match word, args:
        case "fixed_size_list", [field, int(size)] if 0 <= size <= _WIDEST:
            return pa.list_(_field_from(field, depth), size)
        case (("list" | "large_list"), [field]):
            return getattr(pa, _LISTS[word])(_field_from(field, depth))
        case "struct", [tuple(parts)]:
            return pa.struct([_field_from(part, depth) for part in parts])
        case "map", [key, item, bool(is_sorted)]:
            return pa.map_(_field_from(key, depth), _field_from(item, depth), keys_sorted=is_sorted)
        case "dictionary", [index, value, bool(ordered)]:
            return pa.dictionary(type_from(index, depth), type_from(value, depth), ordered)
    raise UnreadableError("Arrow has no such type")


def _field_from(field: Any, depth: int) -> Any:
    pa = imported("pyarrow")

    name, words, nullable = fields(field, str, type(field[1]), bool)
    return pa.field(name, type_from(words, depth), nullable)
