"""Arrow's arrays and tables, by their buffers: each is checked to lie within what arrived, and nothing is parsed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from . import arrow_layout
from .arrow_types import schema_from, schema_of, type_from, type_of
from .kind import Decoding, Encoding, Node, ValueKind, count, fields, imported
from .refusal import UnreadableError

NAME = "pyarrow"


def describe(value: Any, _: Encoding) -> Node | None:  # noqa: PLR0911
    """The node of an array, scalar, batch or table; None for other objects of Arrow's."""
    pa = sys.modules["pyarrow"]
    if isinstance(value, pa.Array):
        return _of_array(pa, _compact(pa, value))
    if isinstance(value, pa.ChunkedArray):
        return "pa.chunked", type_of(value.type), value.chunks
    if isinstance(value, pa.Table):
        return "pa.table", schema_of(value.schema), value.columns
    if isinstance(value, pa.RecordBatch):
        return "pa.batch", schema_of(value.schema), value.columns
    if isinstance(value, pa.Scalar):
        return "pa.scalar", None, [pa.array([value.as_py()], value.type)]
    if isinstance(value, pa.DataType):
        return "pa.type", type_of(value), ()
    if isinstance(value, pa.Schema):
        return "pa.schema", schema_of(value), ()
    return None


def _compact(pa: Any, array: Any) -> Any:
    """The array at offset 0, with buffers not much larger than it needs."""
    if array.offset == 0 and array.get_total_buffer_size() <= 2 * array.nbytes + 4096:
        return array
    sink = pa.BufferOutputStream()
    batch = pa.record_batch([array], names=["a"])
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return pa.ipc.open_stream(sink.getvalue()).read_next_batch().column(0)


def _of_array(pa: Any, array: Any) -> Node:
    kind = array.type
    if isinstance(array, pa.DictionaryArray):
        return "pa.dictionary", bool(kind.ordered), [array.indices, array.dictionary]
    description, children, buffers = type_of(kind), _children(pa, array), array.buffers()
    buffer_count = len(buffers) - sum(len(child.buffers()) for child in children)
    content = [None if buffer is None else buffer.to_pybytes() for buffer in buffers[:buffer_count]]
    return "pa.array", (description, len(array), content), children


def _children(pa: Any, array: Any) -> list[Any]:
    kind = array.type
    if pa.types.is_struct(kind):
        return [array.field(place) for place in range(kind.num_fields)]
    if pa.types.is_map(kind):
        return [pa.StructArray.from_arrays([array.keys, array.items], fields=[kind.key_field, kind.item_field])]
    return [array.values] if kind.num_fields else []


def _make_array(payload: Any, children: list[Any], decoding: Decoding) -> object:
    pa = imported("pyarrow")

    description, length, content = fields(payload, type(payload[0]), int, list)
    kind = type_from(description)
    if length < 0 or not all(buffer is None or type(buffer) is bytes for buffer in content):
        raise UnreadableError("an array of Arrow's has no such buffers")
    if not all(isinstance(child, pa.Array) for child in children):
        raise UnreadableError("an array of Arrow's has no such children")
    decoding.spend(length)
    arrow_layout.check(description, kind, length, content, children)
    buffers = [None if buffer is None else pa.py_buffer(buffer) for buffer in content]
    array = pa.Array.from_buffers(kind, length, buffers, children=children or None)
    array.validate(full=True)
    return array


def _make_dictionary(ordered: Any, children: list[Any], _: Decoding) -> object:
    pa = imported("pyarrow")

    indices, values = count(children, 2)
    if not isinstance(indices, pa.Array) or not isinstance(values, pa.Array) or type(ordered) is not bool:
        raise UnreadableError("a dictionary of Arrow's is none")
    array = pa.DictionaryArray.from_arrays(indices, values, ordered=ordered)
    array.validate(full=True)
    return array


def _make_chunked(payload: Any, children: list[Any], _: Decoding) -> object:
    pa = imported("pyarrow")

    if not all(isinstance(child, pa.Array) for child in children):
        raise UnreadableError("a chunk is no array of Arrow's")
    return pa.chunked_array(children, type_from(payload))


def _from_columns(name: str, part: str) -> Callable[[Any, list[Any], Decoding], object]:
    """What makes a table or a batch, each of whose columns is a `part`."""

    def make(payload: Any, children: list[Any], _: Decoding) -> object:
        pa = imported("pyarrow")

        if not all(isinstance(child, getattr(pa, part)) for child in children):
            raise UnreadableError("a column is no array of Arrow's")
        table = getattr(pa, name).from_arrays(children, schema=schema_from(payload))
        table.validate(full=True)
        return table

    return make


def _make_scalar(_: Any, children: list[Any], __: Decoding) -> object:
    pa = imported("pyarrow")

    (array,) = count(children, 1)
    if not isinstance(array, pa.Array) or len(array) != 1:
        raise UnreadableError("a scalar of Arrow's is none")
    return array[0]


KINDS = {
    "pa.array": ValueKind(_make_array),
    "pa.dictionary": ValueKind(_make_dictionary),
    "pa.chunked": ValueKind(_make_chunked),
    "pa.table": ValueKind(_from_columns("Table", "ChunkedArray")),
    "pa.batch": ValueKind(_from_columns("RecordBatch", "Array")),
    "pa.scalar": ValueKind(_make_scalar),
    "pa.type": ValueKind(lambda payload, *_: type_from(payload)),
    "pa.schema": ValueKind(lambda payload, *_: schema_from(payload)),
}


def same(value: Any, other: Any, _: Any) -> bool | None:
    """Arrow's values never change."""
    return value is other or bool(value.equals(other)) if hasattr(value, "equals") else None


def put_back(_target: Any, _new: Any) -> bool:
    """Arrow's values never change."""
    return False
