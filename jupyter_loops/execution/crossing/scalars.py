"""Values of the standard library that hold no others: numbers, dates, patterns, paths, names of types."""

from __future__ import annotations

import builtins
import io
import pathlib
import re
import uuid
import zoneinfo
from collections import Counter, OrderedDict, defaultdict, deque
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

from .kind import Decoding, Encoding, Node, ValueKind, count, expect, fields
from .plain_values import ATOMS
from .refusal import UnreadableError

_MODULES: tuple[type, ...] = (Counter, OrderedDict, defaultdict, deque, date, datetime, time, timedelta, timezone)
_TYPES = {
    **{name: kind for name, kind in vars(builtins).items() if isinstance(kind, type)},
    **{kind.__name__: kind for kind in (*_MODULES, Decimal, Fraction, uuid.UUID, type(None), type(...))},
}
_NAMES = {id(kind): name for name, kind in _TYPES.items()}
_PATHS: dict[str, type[pathlib.PurePath]] = {
    kind.__name__: kind for kind in (pathlib.PurePosixPath, pathlib.PureWindowsPath, type(pathlib.Path()))
}
_LONGEST = 10_000  # characters of a pattern, and of a number's text
_SINGLE = {"Ellipsis": ..., "NotImplemented": NotImplemented}


def of_type(value: type, encoding: Encoding) -> Node | None:
    """A class: a builtin one by name, one of the table by number."""
    if id(value) in _NAMES:
        return "type", _NAMES[id(value)], ()
    number = encoding.sending.classes.number(value)
    return None if number is None else ("type", number, ())


def _moment(value: Any) -> Node:
    day = [value.year, value.month, value.day] if isinstance(value, date) else []
    return (
        type(value).__name__,
        (*day, value.hour, value.minute, value.second, value.microsecond, value.fold),
        (value.tzinfo,),
    )


def _of_timezone(value: timezone, _: Encoding) -> Node:
    delta, *name = value.__getinitargs__()  # type: ignore[attr-defined]
    return "timezone", (*_parts(delta), *name), ()


def _parts(delta: timedelta) -> tuple[int, int, int]:
    return delta.days, delta.seconds, delta.microseconds


def _of_zone(value: zoneinfo.ZoneInfo, _: Encoding) -> Node | None:
    return None if value.key is None else ("ZoneInfo", value.key, ())


def _of_pattern(value: re.Pattern[Any], _: Encoding) -> Node | None:
    flags = value.flags if isinstance(value.pattern, str) else value.flags & ~re.UNICODE
    return ("Pattern", (value.pattern, int(flags)), ()) if len(value.pattern) <= _LONGEST else None


def _of_text(value: io.StringIO, _: Encoding) -> Node:
    return "StringIO", (value.getvalue(), value.tell()), ()


def _of_bytes(value: io.BytesIO, _: Encoding) -> Node:
    return "BytesIO", (value.getvalue(), value.tell()), ()


DESCRIBE: dict[type, Any] = {
    **{kind: (lambda value, _: ("=", value, ())) for kind in ATOMS},
    complex: lambda value, _: ("complex", (value.real, value.imag), ()),
    range: lambda value, _: ("range", (value.start, value.stop, value.step), ()),
    slice: lambda value, _: ("slice", None, (value.start, value.stop, value.step)),
    type(...): lambda *_: ("single", "Ellipsis", ()),
    type(NotImplemented): lambda *_: ("single", "NotImplemented", ()),
    Decimal: lambda value, _: ("Decimal", _tuple(value), ()),
    Fraction: lambda value, _: ("Fraction", (value.numerator, value.denominator), ()),
    date: lambda value, _: ("date", (value.year, value.month, value.day), ()),
    datetime: lambda value, _: _moment(value),
    time: lambda value, _: _moment(value),
    timedelta: lambda value, _: ("timedelta", _parts(value), ()),
    timezone: _of_timezone,
    zoneinfo.ZoneInfo: _of_zone,
    uuid.UUID: lambda value, _: ("UUID", value.bytes, ()),
    **{kind: (lambda value, _: ("path", (type(value).__name__, str(value)), ())) for kind in _PATHS.values()},
    re.Pattern: _of_pattern,
    io.StringIO: _of_text,
    io.BytesIO: _of_bytes,
}


def _tuple(value: Decimal) -> str:
    return str(value)


def _make_type(payload: Any, _: list[Any], decoding: Decoding) -> object:
    if type(payload) is int:
        return decoding.receiving.classes.at(payload)
    return _TYPES[expect(payload, str)]


def _make_moment(kind: type, size: int) -> ValueKind:
    def make(payload: Any, children: list[Any], _: Decoding) -> object:
        *parts, fold = fields(payload, *[int] * size)
        (zone,) = count(children, 1)
        if type(zone) not in {type(None), timezone, zoneinfo.ZoneInfo}:
            raise UnreadableError("a time zone is none")
        return kind(*parts, tzinfo=zone, fold=fold)

    return ValueKind(make)


def _make_timezone(payload: Any, _: list[Any], __: Decoding) -> object:
    named = type(payload) is tuple and len(payload) == 4  # noqa: PLR2004
    days, seconds, micros, *name = fields(payload, int, int, int, *[str] * named)
    return timezone(timedelta(days, seconds, micros), *name)


def _make_pattern(payload: Any, _: list[Any], __: Decoding) -> object:
    pattern, flags = payload if type(payload) is tuple else (None, None)
    if type(pattern) not in {str, bytes} or type(flags) is not int or len(pattern) > _LONGEST:
        raise UnreadableError("a pattern is none")
    if flags & re.DEBUG:
        raise UnreadableError("a pattern prints")
    return re.compile(pattern, flags)


def _make_decimal(payload: Any, _: list[Any], __: Decoding) -> object:
    return Decimal(expect(payload, str))


def _make_path(payload: Any, _: list[Any], __: Decoding) -> object:
    name, text = fields(payload, str, str)
    return _PATHS[name](text)


def _make_zone(payload: Any, _: list[Any], __: Decoding) -> object:
    if len(expect(payload, str)) > 100:  # noqa: PLR2004
        raise UnreadableError("a time zone is none")
    return zoneinfo.ZoneInfo(payload)


def _make_file(kind: Any, content: type) -> ValueKind:
    def make(payload: Any, _: list[Any], decoding: Decoding) -> object:
        value, position = fields(payload, content, int)
        decoding.spend(4 * len(value))
        file = kind(value) if content is bytes else kind(value, newline="")
        file.seek(position)
        return file

    return ValueKind(make)


def _make_slice(_: Any, children: list[Any], __: Decoding) -> object:
    return slice(*count(children, 3))


def _make_atom(payload: Any, children: list[Any], _: Decoding) -> object:
    if type(payload) not in ATOMS or children:
        raise UnreadableError("an atom is none")
    return payload


KINDS: dict[str, ValueKind] = {
    "=": ValueKind(_make_atom),
    "complex": ValueKind(lambda payload, *_: complex(*fields(payload, float, float))),
    "range": ValueKind(lambda payload, *_: range(*fields(payload, int, int, int))),
    "slice": ValueKind(_make_slice),
    "single": ValueKind(lambda payload, *_: _SINGLE[expect(payload, str)]),
    "type": ValueKind(_make_type),
    "Decimal": ValueKind(_make_decimal),
    "Fraction": ValueKind(lambda payload, *_: Fraction(*fields(payload, int, int))),
    "date": ValueKind(lambda payload, *_: date(*fields(payload, int, int, int))),
    "datetime": _make_moment(datetime, 8),
    "time": _make_moment(time, 5),
    "timedelta": ValueKind(lambda payload, *_: timedelta(*fields(payload, int, int, int))),
    "timezone": ValueKind(_make_timezone),
    "ZoneInfo": ValueKind(_make_zone),
    "UUID": ValueKind(lambda payload, *_: uuid.UUID(bytes=expect(payload, bytes))),
    "path": ValueKind(_make_path),
    "Pattern": ValueKind(_make_pattern),
    "StringIO": _make_file(io.StringIO, str),
    "BytesIO": _make_file(io.BytesIO, bytes),
}
