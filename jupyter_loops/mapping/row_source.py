"""Where the rows of a map come from, streamed, and the table of results in the kind that came in."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from itertools import count, islice
from typing import Any

from jupyter_loops.core.row import Row
from jupyter_loops.errors import LoopError, PreflightError

Columns = Mapping[str, list[Any]]  # name → one value a row, all of one length
BLOCK = 64  # rows that are read at once
_BLOCK_SECONDS = 0.05  # after which a block is passed on as it is


@dataclass(frozen=True, slots=True)
class InputRow:
    """One row before its run."""

    position: int  # in the source, from 0
    key: Any  # what tells it from others: the index of a DataFrame, a column, or the position
    item: Any  # what the cell sees as `row`


class RowsBrokeOffError(LoopError):
    """The source raised in the middle; `rows` came before."""

    def __init__(self, rows: int, why: str) -> None:
        super().__init__(rows, why)
        self.rows, self.why = rows, why

    def __str__(self) -> str:
        return f"the rows broke off after {self.rows:,}: {self.why}"


@dataclass(slots=True, kw_only=True)
class RowSource:
    """Rows in order. Read by one thread at a time."""

    pairs: Iterator[tuple[Any, Any]]  # key, item
    total: int | None = None  # None: not known before the end
    columns: tuple[str, ...] = ()  # of a table
    key: str = "row"  # the name of the key's column in the results
    table: Callable[[Columns], Any]  # the results in the kind that came in
    pick: Callable[[int], Any] | None = None  # the item at a position; None: the rows are a stream
    keys: Callable[[int], Any] | None = None  # the key at a position
    _read: int = field(init=False, default=0)
    _keys: set[Any] = field(init=False, default_factory=set)

    def block(self, most: int = BLOCK) -> list[InputRow]:
        """The next rows, none at the end. Blocks while the source does. Raises RowsBrokeOffError."""
        rows: list[InputRow] = []
        until = time.monotonic() + _BLOCK_SECONDS
        try:
            while len(rows) < most and (not rows or time.monotonic() < until):
                key, item = next(self.pairs)
                self._check_key(key)
                rows.append(InputRow(self._read, key, item))
                self._read += 1
        except StopIteration:
            return rows
        except LoopError:
            raise
        except Exception as error:
            if rows:
                self.pairs = _raising(error)  # after the rows that came before
                return rows
            raise RowsBrokeOffError(self._read, f"{type(error).__name__}: {error}") from error
        return rows

    def sample(self, positions: Sequence[int]) -> list[InputRow] | None:
        """The rows at these positions; None where the rows are a stream."""
        if self.pick is None:
            return None
        return [InputRow(at, at if self.keys is None else self.keys(at), self.pick(at)) for at in positions]

    def _check_key(self, key: Any) -> None:
        if self.key == "row":
            return
        try:
            repeated = key in self._keys
            self._keys.add(key)
        except TypeError:
            raise PreflightError(
                f"the key of row {self._read} is a {type(key).__name__}, which cannot be one"
            ) from None
        if repeated:
            raise PreflightError(
                f"the key {key!r} stands twice (again in row {self._read}): choose a column that tells rows apart "
                "with --key, or reset the index"
            )


@dataclass(slots=True, kw_only=True)
class RetriedRows(RowSource):
    """Some rows of another source, with their positions and keys there."""

    retried: Iterator[InputRow]

    @classmethod
    def of(cls, rows: Sequence[InputRow], source: RowSource) -> RetriedRows:
        """These rows of the source."""
        return cls(pairs=iter(()), total=len(rows), key=source.key, table=source.table, retried=iter(rows))

    def block(self, most: int = BLOCK) -> list[InputRow]:
        """The next rows, none at the end."""
        return list(islice(self.retried, most))


def _raising(error: Exception) -> Iterator[tuple[Any, Any]]:
    raise error
    yield


def open_rows(value: object, key: str | None = None) -> RowSource:
    """The rows of a DataFrame, polars or Arrow table, Arrow reader, DuckDB relation, list, dict or any iterable.

    `key` is the column that tells rows apart. Raises PreflightError.
    """
    kind = type(value)
    library = kind.__module__.partition(".")[0].lstrip("_")
    opener = _OPENERS.get((library, kind.__name__))
    source = opener(value) if opener is not None else _iterable(value)
    if source.total == 0:
        raise PreflightError(f"there are no rows: the {kind.__name__} is empty")
    return source if key is None else _keyed(source, key)


def _keyed(source: RowSource, key: str) -> RowSource:
    """The source with a column as its key."""
    if source.columns and key not in source.columns:
        raise PreflightError(f"--key got {key}, and the columns are {', '.join(source.columns[:12])}")
    pairs, pick = source.pairs, source.pick

    def with_key() -> Iterator[tuple[Any, Any]]:
        for position, (_, item) in enumerate(pairs):
            if not isinstance(item, Mapping) or key not in item:
                raise PreflightError(f"row {position} has no {key}, which --key asks for")
            yield item[key], item

    source.pairs, source.key = with_key(), key
    source.keys = None if pick is None else lambda at: pick(at)[key]
    return source


def _pandas(frame: Any) -> RowSource:
    import pandas as pd

    if not frame.index.is_unique:
        twice = frame.index[frame.index.duplicated()][0]
        raise PreflightError(f"the index has {twice} twice: frame.reset_index(drop=True), or --key COLUMN")
    names = tuple(map(str, frame.columns))
    _no_column_twice(names)
    index = frame.index
    named = index.names if index.nlevels > 1 else [index.name]
    key = "row" if index.nlevels == 1 and isinstance(index, pd.RangeIndex) else "_".join(map(str, named))

    def item(values: Iterable[Any]) -> Row:
        return Row(zip(names, map(_present, values), strict=True))

    def table(columns: Columns) -> Any:
        keys = columns[key]
        levels = pd.MultiIndex.from_tuples(keys, names=named) if index.nlevels > 1 else pd.Index(keys, name=index.name)
        return pd.DataFrame(
            {name: pd.Series(values, dtype=_dtype(values)) for name, values in columns.items() if name != key}
        ).set_axis(levels)

    return RowSource(
        pairs=((at, item(values)) for at, values in zip(index, frame.itertuples(index=False, name=None), strict=True)),
        total=len(frame),
        columns=names,
        key=key,
        table=table,
        pick=lambda at: item(next(frame.iloc[at : at + 1].itertuples(index=False, name=None))),
        keys=lambda at: index[at],
    )


def _dtype(values: Sequence[Any]) -> Any:
    """Lists and dicts stay what they are; pandas finds the type of everything else."""
    return object if any(isinstance(value, list | dict) for value in values) else None


def _series(series: Any) -> RowSource:
    source = _pandas(series.to_frame("value"))
    pairs, pick = source.pairs, source.pick
    assert pick is not None
    source.pairs, source.columns = ((key, item["value"]) for key, item in pairs), ()
    source.pick = lambda at: pick(at)["value"]
    return source


def _polars(frame: Any) -> RowSource:
    def table(columns: Columns) -> Any:
        import polars as pl

        return pl.DataFrame(dict(columns), strict=False)

    return RowSource(
        pairs=enumerate(map(Row, frame.iter_rows(named=True))),
        total=frame.height,
        columns=tuple(frame.columns),
        table=table,
        pick=lambda at: Row(frame.row(at, named=True)),
    )


def _lazy_polars(frame: Any) -> RowSource:
    return _polars(frame.collect())


def _polars_series(series: Any) -> RowSource:
    source = _polars(series.to_frame("value"))
    source.pairs, source.columns = enumerate(series), ()
    source.pick = lambda at: series[at]
    return source


def _arrow(table: Any) -> RowSource:
    _no_column_twice(tuple(table.schema.names))
    batches = table.to_batches() if hasattr(table, "to_batches") else [table]
    source = _arrow_stream(batches, table.schema)
    source.total = table.num_rows
    source.pick = lambda at: Row(table.slice(at, 1).to_pylist()[0])
    return source


def _arrow_reader(reader: Any) -> RowSource:
    return _arrow_stream(reader, reader.schema)


def _arrow_stream(batches: Iterable[Any], schema: Any) -> RowSource:
    def rows() -> Iterator[Row]:
        for batch in batches:
            for start in range(0, batch.num_rows, BLOCK):
                yield from map(Row, batch.slice(start, BLOCK).to_pylist())

    return RowSource(pairs=enumerate(rows()), columns=tuple(schema.names), table=_arrow_table)


def _arrow_table(columns: Columns) -> Any:
    import json

    import pyarrow as pa

    def column(values: list[Any]) -> Any:
        try:
            return pa.array(values)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            return pa.array([None if value is None else json.dumps(value, default=str) for value in values])

    return pa.table({name: column(values) for name, values in columns.items()})


def _relation(relation: Any) -> RowSource:
    names = tuple(relation.columns)
    _no_column_twice(names)

    def rows() -> Iterator[Row]:
        if hasattr(relation, "iter_rows"):  # from DuckDB 2 on
            yield from (Row(zip(names, values, strict=True)) for values in relation.iter_rows())
            return
        while block := relation.fetchmany(BLOCK):
            yield from (Row(zip(names, values, strict=True)) for values in block)

    def table(columns: Columns) -> Any:
        import duckdb

        return duckdb.from_arrow(_arrow_table(columns))

    return RowSource(pairs=enumerate(rows()), columns=names, table=table)


def _iterable(value: Any) -> RowSource:
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise PreflightError(
            f"--over takes a table or rows to iterate over, and this is a {type(value).__name__}: a DataFrame, polars "
            "or Arrow table, DuckDB relation, list, dict, or generator"
        )
    if isinstance(value, Mapping):
        keys = list(value)
        pairs = ((key, _item(value[key])) for key in keys)
        return RowSource(
            pairs=iter(pairs),
            total=len(keys),
            key="key",
            table=_records,
            pick=lambda at: _item(value[keys[at]]),
            keys=lambda at: keys[at],
        )
    total = len(value) if isinstance(value, Sized) else None
    pick = (lambda at: _item(value[at])) if isinstance(value, Sequence) else None
    return RowSource(pairs=zip(count(), map(_item, value), strict=False), total=total, table=_records, pick=pick)


def _item(value: Any) -> Any:
    """A record as a row of a table; anything else as it is."""
    return Row(value) if type(value) is dict and all(type(name) is str for name in value) else value


def _records(columns: Columns) -> list[Row]:
    return [Row(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _present(value: Any) -> Any:
    """None for a missing value of pandas."""
    if value is None or (type(value) is float and math.isnan(value)):
        return None
    return None if type(value).__name__ in {"NAType", "NaTType"} else value


def _no_column_twice(names: Sequence[str]) -> None:
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise PreflightError(f"the table has the column {twice!r} twice: rename one")


_OPENERS: dict[tuple[str, str], Callable[[Any], RowSource]] = {
    ("pandas", "DataFrame"): _pandas,
    ("pandas", "Series"): _series,
    ("polars", "DataFrame"): _polars,
    ("polars", "LazyFrame"): _lazy_polars,
    ("polars", "Series"): _polars_series,
    ("pyarrow", "Table"): _arrow,
    ("pyarrow", "RecordBatch"): _arrow,
    ("pyarrow", "RecordBatchReader"): _arrow_reader,
    ("duckdb", "DuckDBPyRelation"): _relation,
}
