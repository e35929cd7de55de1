"""polars' frames and series, as Arrow's."""

from __future__ import annotations

import sys
from typing import Any

from .kind import Decoding, Encoding, Node, ValueKind, count, imported
from .refusal import UnreadableError, UnsendableError

NAME = "polars"


def describe(value: Any, _: Encoding) -> Node | None:
    """The node of a frame or series; None for other objects of polars's."""
    pl = sys.modules["polars"]
    if isinstance(value, pl.DataFrame):
        return "pl.frame", (_enums(pl, value), value.height), [_arrow(pl, value)]
    if isinstance(value, pl.Series):
        frame = value.to_frame()
        return "pl.series", (_enums(pl, frame), len(value)), [_arrow(pl, frame)]
    return None


def _arrow(pl: Any, frame: Any) -> Any:
    if "pyarrow" not in sys.modules:
        try:
            imported("pyarrow")
        except ImportError:
            raise UnsendableError("a frame of polars needs pyarrow to cross, which is not installed") from None
    bad = [name for name, kind in frame.schema.items() if kind == pl.Object]
    if bad:
        raise UnsendableError(f"column {bad[0]!r} of type Object does not cross: give it a type")
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())


def _enums(pl: Any, frame: Any) -> dict[str, list[str]]:
    return {name: kind.categories.to_list() for name, kind in frame.schema.items() if isinstance(kind, pl.Enum)}


def _frame(payload: Any, children: list[Any]) -> Any:
    pl = imported("polars")
    pa = imported("pyarrow")

    (table,) = count(children, 1)
    enums, height = payload if type(payload) is tuple and len(payload) == 2 else (None, 0)  # noqa: PLR2004
    if not isinstance(table, pa.Table) or type(enums) is not dict or table.num_rows != height:
        raise UnreadableError("a frame of polars is none")
    frame = pl.DataFrame(pl.from_arrow(table))
    if not all(type(category) is str for categories in enums.values() for category in categories):
        raise UnreadableError("the categories are no texts")
    return frame.with_columns(
        pl.col(name).cast(pl.String).cast(pl.Enum(categories)) for name, categories in enums.items()
    )


def _series(payload: Any, children: list[Any], _: Decoding) -> object:
    frame = _frame(payload, children)
    if frame.width != 1:
        raise UnreadableError("a series has one column")
    return frame.to_series()


def same(value: Any, other: Any, _: Any) -> bool | None:
    """Whether two frames or series have the same types and content."""
    pl = sys.modules["polars"]
    if isinstance(value, pl.DataFrame):
        return bool(value.schema == other.schema and value.equals(other))
    if isinstance(value, pl.Series):
        return bool(value.equals(other, check_dtypes=True, check_names=True))
    return None


def put_back(target: Any, new: Any) -> bool:
    """Gives a frame or series the content of another."""
    pl = sys.modules["polars"]
    if isinstance(target, pl.DataFrame):
        target._df = new._df  # noqa: SLF001
    elif isinstance(target, pl.Series):
        target._s = new._s  # noqa: SLF001
    return isinstance(target, pl.DataFrame | pl.Series)


KINDS = {"pl.frame": ValueKind(lambda payload, children, _: _frame(payload, children)), "pl.series": ValueKind(_series)}
