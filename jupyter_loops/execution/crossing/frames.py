"""pandas' frames and series, column by column."""

from __future__ import annotations

import sys
from typing import Any

from . import frame_arrays, frame_index
from .kind import Decoding, Encoding, Node, ValueKind, count, imported
from .refusal import UnreadableError, UnsendableError

NAME = "pandas"
describe_array, describe_index = frame_arrays.describe, frame_index.describe


def describe(value: Any, encoding: Encoding) -> Node | None:
    """The node of a frame, series, index, extension array or scalar; None for other objects of pandas'."""
    pd = sys.modules["pandas"]
    kind = type(value)
    if isinstance(value, pd.DataFrame | pd.Series) and kind not in {pd.DataFrame, pd.Series}:
        raise UnsendableError(f"a {kind.__name__} does not cross: return a pd.{_plain(pd, value)} made of it")
    if kind is pd.DataFrame:
        columns = [frame_arrays.content(value.iloc[:, place]) for place in range(value.shape[1])]
        return "pd.frame", _flags(value), [value.index, value.columns, value.attrs, *columns]
    if kind is pd.Series:
        return "pd.series", _flags(value), [value.index, value.name, value.attrs, frame_arrays.content(value)]
    return describe_index(value, encoding) or describe_array(value, encoding)


def _plain(pd: Any, value: Any) -> str:
    return "DataFrame" if isinstance(value, pd.DataFrame) else "Series"


def _flags(value: Any) -> bool:
    return bool(value.flags.allows_duplicate_labels)


def _make_frame(payload: Any, children: list[Any], _: Decoding) -> object:
    pd = imported("pandas")

    index, columns, attrs, *contents = children
    frame_arrays.check(index, columns, attrs)
    if len(columns) != len(contents) or any(len(frame_arrays.checked(content)) != len(index) for content in contents):
        raise UnreadableError("a frame has columns of another length")
    series = {place: _series(pd, content, index) for place, content in enumerate(contents)}
    frame = pd.DataFrame(series, index=index, copy=False)
    frame.columns = columns
    return _with_attributes(frame, payload, attrs)


def _make_series(payload: Any, children: list[Any], _: Decoding) -> object:
    pd = imported("pandas")

    index, name, attrs, content = count(children, 4)
    frame_arrays.check(index, index, attrs)
    if len(frame_arrays.checked(content)) != len(index):
        raise UnreadableError("a series has an index of another length")
    series = _series(pd, content, index)
    series.name = name
    return _with_attributes(series, payload, attrs)


def _series(pd: Any, content: Any, index: Any) -> Any:
    return pd.Series(content, index=index, dtype=content.dtype, copy=False)


def _with_attributes(value: Any, duplicates: Any, attrs: dict[Any, Any]) -> Any:
    value.attrs = attrs
    return value if duplicates is True else value.set_flags(allows_duplicate_labels=False)


def same(value: Any, other: Any, pair: Any) -> bool | None:
    """Whether two frames, series or indexes have the same labels, types and content."""
    pd = sys.modules["pandas"]
    if isinstance(value, pd.DataFrame):
        labels = _same_index(value.index, other.index, pair) and _same_index(value.columns, other.columns, pair)
        return (
            labels
            and value.attrs == other.attrs
            and all(_same_content(value.iloc[:, place], other.iloc[:, place], pair) for place in range(value.shape[1]))
        )
    if isinstance(value, pd.Series):
        return (
            _same_index(value.index, other.index, pair)
            and (type(value.name), value.name) == (type(other.name), other.name)
            and value.attrs == other.attrs
            and _same_content(value, other, pair)
        )
    return _same_index(value, other, pair) if isinstance(value, pd.Index) else None


def _same_index(value: Any, other: Any, pair: Any) -> bool:
    if value is other:
        return True
    same_labels = type(value) is type(other) and value.dtype == other.dtype and list(value.names) == list(other.names)
    return bool(same_labels and value.equals(other) and _same_objects(value, other, pair))


def _same_content(value: Any, other: Any, pair: Any) -> bool:
    return bool(value.dtype == other.dtype and value.equals(other) and _same_objects(value, other, pair))


def _same_objects(value: Any, other: Any, pair: Any) -> bool:
    if value.dtype != object:
        return True
    return all(x is y or (type(x) is type(y) and pair(x, y)) for x, y in zip(value, other, strict=True))


def put_back(target: Any, new: Any) -> bool:
    """Gives a frame or series the content of another."""
    pd = sys.modules["pandas"]
    if not isinstance(target, pd.DataFrame | pd.Series):
        return False
    target._update_inplace(new)  # noqa: SLF001
    target.attrs = new.attrs
    if isinstance(target, pd.Series):
        target.name = new.name
    return True


KINDS = {
    "pd.frame": ValueKind(_make_frame),
    "pd.series": ValueKind(_make_series),
    **frame_arrays.KINDS,
    **frame_index.KINDS,
}
