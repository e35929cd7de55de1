"""pandas' indexes."""

from __future__ import annotations

import sys
from typing import Any

from .frame_arrays import checked, content, frequency, numbers
from .kind import Decoding, Encoding, Node, ValueKind, count, fields, imported
from .refusal import UnreadableError

_FLEXIBLE = ("DatetimeIndex", "TimedeltaIndex")


def describe(value: Any, _: Encoding) -> Node | None:
    """The node of an index; None for other objects of pandas'."""
    pd = sys.modules["pandas"]
    if not isinstance(value, pd.Index):
        return None
    if type(value) is pd.RangeIndex:
        return "pd.range", (value.start, value.stop, value.step), [value.name]
    if type(value) is pd.MultiIndex:
        np = sys.modules["numpy"]
        codes = [np.asarray(level_codes) for level_codes in value.codes]
        return "pd.multi", value.nlevels, [*value.names, *value.levels, *codes]
    freq = value.freqstr if type(value).__name__ in _FLEXIBLE else None
    return "pd.index", freq, [content(value), value.name]


def _make_range(payload: Any, children: list[Any], _: Decoding) -> object:
    pd = imported("pandas")

    return pd.RangeIndex(*fields(payload, int, int, int), name=count(children, 1)[0])


def _make_multi(size: Any, children: list[Any], _: Decoding) -> object:
    pd = imported("pandas")

    if type(size) is not int or not 0 < size <= len(children):
        raise UnreadableError("an index has no levels")
    count(children, 3 * size)
    names, levels, codes = children[:size], children[size : 2 * size], children[2 * size :]
    if not all(isinstance(level, pd.Index) for level in levels):
        raise UnreadableError("a level is no index")
    return pd.MultiIndex(levels=levels, codes=[numbers(level_codes, "i") for level_codes in codes], names=names)


def _make_index(freq: Any, children: list[Any], _: Decoding) -> object:
    pd = imported("pandas")

    data, name = count(children, 2)
    index = pd.Index(checked(data), name=name, dtype=data.dtype, tupleize_cols=False)
    if freq is not None:
        if type(index).__name__ not in _FLEXIBLE:
            raise UnreadableError("an index has no frequency")
        index.freq = frequency(freq)
    return index


KINDS = {"pd.range": ValueKind(_make_range), "pd.multi": ValueKind(_make_multi), "pd.index": ValueKind(_make_index)}
