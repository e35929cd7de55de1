"""pandas' extension arrays and scalars, each by the arrays under it."""

from __future__ import annotations

import sys
from typing import Any

from .kind import Decoding, Encoding, Node, ValueKind, count, expect, fields, imported
from .refusal import UnreadableError, UnsendableError

_MASKED = ("IntegerArray", "FloatingArray", "BooleanArray")
_LONGEST = 64  # characters of a frequency


def content(value: Any) -> Any:
    """What is under a series or an index: an array of NumPy's, or an extension array."""
    array = value.array
    return value.to_numpy() if type(array).__name__ in {"NumpyExtensionArray", "PandasArray"} else array


def describe(value: Any, _: Encoding) -> Node | None:  # noqa: PLR0911
    """The node of an extension array or scalar; None for other objects of pandas'."""
    pd = sys.modules["pandas"]
    if value is pd.NA or value is pd.NaT:
        return "pd.missing", "NA" if value is pd.NA else "NaT", ()
    if isinstance(value, pd.Timestamp):
        return "pd.Timestamp", (int(value._value), value.unit, value.fold), [value.tzinfo]  # noqa: SLF001
    if isinstance(value, pd.Timedelta):
        return "pd.Timedelta", (int(value._value), value.unit), ()  # noqa: SLF001
    if isinstance(value, pd.Period):
        return "pd.Period", (int(value.ordinal), value.freqstr), ()
    if isinstance(value, pd.Interval):
        return "pd.Interval", value.closed, [value.left, value.right]
    if isinstance(value, pd.api.extensions.ExtensionArray):
        return _of_array(pd, value)
    return None


def _of_array(pd: Any, value: Any) -> Node:  # noqa: PLR0911
    kind, np = type(value).__name__, sys.modules["numpy"]
    if kind in _MASKED:
        return "pd.masked", kind, [value._data, value._mask]  # noqa: SLF001
    if isinstance(value.dtype, pd.StringDtype):
        nan = value.dtype.na_value is not pd.NA if hasattr(value.dtype, "na_value") else False
        texts = value.to_numpy(object, na_value=None)
        return "pd.texts", (value.dtype.storage, nan), [texts]
    if kind == "Categorical":
        return "pd.categories", bool(value.ordered), [np.asarray(value.codes), value.categories]
    if kind == "DatetimeArray":
        return "pd.datetimes", None, [value._ndarray, value.tz]  # noqa: SLF001
    if kind == "TimedeltaArray":
        return "pd.timedeltas", None, [value._ndarray]  # noqa: SLF001
    if kind == "PeriodArray":
        return "pd.periods", value.freqstr, [np.asarray(value.asi8)]
    if kind == "IntervalArray":
        return "pd.intervals", value.closed, [value.left, value.right]
    return _of_other(value, kind, np)


def _of_other(value: Any, kind: str, np: Any) -> Node:
    if kind == "SparseArray":
        places = np.asarray(value.sp_index.indices)
        return "pd.sparse", len(value), [value.sp_values, places, value.fill_value]
    if kind == "ArrowExtensionArray":
        return "pd.arrow", None, [value.__arrow_array__()]
    if kind in {"NumpyExtensionArray", "PandasArray"}:
        return "pd.numpy", None, [value.to_numpy()]
    raise UnsendableError(f"an array of {value.dtype} does not cross: give it a type of pandas or NumPy")


def check(index: Any, columns: Any, attrs: Any) -> None:
    """Raises UnreadableError unless two are indexes and one a dictionary."""
    pd = imported("pandas")

    if not isinstance(index, pd.Index) or not isinstance(columns, pd.Index) or type(attrs) is not dict:
        raise UnreadableError("a frame has no such labels")


def checked(value: Any) -> Any:
    """A one-dimensional array of NumPy's or an extension array. Raises UnreadableError."""
    np = imported("numpy")
    pd = imported("pandas")

    if (type(value) is np.ndarray and value.ndim == 1) or isinstance(value, pd.api.extensions.ExtensionArray):
        return value
    raise UnreadableError("a column is no array")


def numbers(value: Any, kind: str) -> Any:
    """A one-dimensional array of NumPy's of a kind of type. Raises UnreadableError."""
    np = imported("numpy")

    if type(value) is not np.ndarray or value.ndim != 1 or value.dtype.kind not in kind:
        raise UnreadableError("an array under another has the wrong type")
    return value


def _make_missing(payload: Any, *_: Any) -> object:
    pd = imported("pandas")

    return {"NA": pd.NA, "NaT": pd.NaT}[expect(payload, str)]


def _make_timestamp(payload: Any, children: list[Any], _: Decoding) -> object:
    np = imported("numpy")
    pd = imported("pandas")

    value, unit, fold = fields(payload, int, str, int)
    (zone,) = count(children, 1)
    timestamp = pd.Timestamp(np.datetime64(value, unit))
    if zone is not None:
        timestamp = timestamp.tz_localize("UTC").tz_convert(zone)
    return timestamp.replace(fold=fold) if fold else timestamp


def _make_timedelta(payload: Any, *_: Any) -> object:
    np = imported("numpy")
    pd = imported("pandas")

    return pd.Timedelta(np.timedelta64(*fields(payload, int, str)))


def _make_period(payload: Any, *_: Any) -> object:
    pd = imported("pandas")

    ordinal, freq = fields(payload, int, str)
    return pd.Period(ordinal=ordinal, freq=frequency(freq))


def frequency(text: Any) -> str:
    """The text of a frequency. Raises UnreadableError."""
    if len(expect(text, str)) > _LONGEST:
        raise UnreadableError("a frequency is none")
    return str(text)


def _make_interval(closed: Any, children: list[Any], _: Decoding) -> object:
    pd = imported("pandas")

    return pd.Interval(*count(children, 2), closed=expect(closed, str))


def _make_masked(kind: Any, children: list[Any], _: Decoding) -> object:
    pd = imported("pandas")

    data, mask = count(children, 2)
    if kind not in _MASKED or len(numbers(data, "biuf")) != len(numbers(mask, "b")):
        raise UnreadableError("a masked array is none")
    return getattr(pd.arrays, kind)(data, mask)


def _make_texts(payload: Any, children: list[Any], _: Decoding) -> object:
    np = imported("numpy")
    pd = imported("pandas")

    storage, nan = fields(payload, str, bool)
    (texts,) = count(children, 1)
    if not all(text is None or type(text) is str for text in numbers(texts, "O")):
        raise UnreadableError("a text is none")
    dtype = pd.StringDtype(storage, na_value=np.nan) if nan else pd.StringDtype(storage)
    return pd.array(texts, dtype=dtype)


def _make_categories(ordered: Any, children: list[Any], _: Decoding) -> object:
    pd = imported("pandas")

    codes, categories = count(children, 2)
    if not isinstance(categories, pd.Index):
        raise UnreadableError("categories are no index")
    return pd.Categorical.from_codes(numbers(codes, "i"), categories=categories, ordered=expect(ordered, bool))


def _make_datetimes(_: Any, children: list[Any], __: Decoding) -> object:
    pd = imported("pandas")

    data, zone = count(children, 2)
    index = pd.DatetimeIndex(numbers(data, "M"))
    return (index if zone is None else index.tz_localize("UTC").tz_convert(zone)).array


def _make_timedeltas(_: Any, children: list[Any], __: Decoding) -> object:
    pd = imported("pandas")

    return pd.TimedeltaIndex(numbers(count(children, 1)[0], "m")).array


def _make_periods(freq: Any, children: list[Any], _: Decoding) -> object:
    pd = imported("pandas")

    return pd.PeriodIndex.from_ordinals(numbers(count(children, 1)[0], "i"), freq=frequency(freq)).array


def _make_intervals(closed: Any, children: list[Any], _: Decoding) -> object:
    pd = imported("pandas")

    lower, upper = count(children, 2)
    if not isinstance(lower, pd.Index) or not isinstance(upper, pd.Index):
        raise UnreadableError("the ends of intervals are no index")
    return pd.arrays.IntervalArray.from_arrays(lower, upper, closed=expect(closed, str))


def _make_sparse(size: Any, children: list[Any], decoding: Decoding) -> object:
    pd = imported("pandas")
    IntIndex = imported("pandas._libs.sparse").IntIndex  # noqa: N806

    values, places, fill = count(children, 3)
    decoding.spend(expect(size, int))
    index = IntIndex(size, numbers(places, "i").astype("int32"), check_integrity=True)
    if len(numbers(values, "biufcO")) != len(places):
        raise UnreadableError("a sparse array has not as many values as places")
    return pd.arrays.SparseArray(values, sparse_index=index, fill_value=fill)


def _make_arrow(_: Any, children: list[Any], __: Decoding) -> object:
    pd = imported("pandas")
    pa = imported("pyarrow")

    (array,) = count(children, 1)
    if not isinstance(array, pa.ChunkedArray | pa.Array):
        raise UnreadableError("a column is no array of Arrow's")
    return pd.arrays.ArrowExtensionArray(array)


def _make_numpy(_: Any, children: list[Any], __: Decoding) -> object:
    pd = imported("pandas")

    return pd.arrays.NumpyExtensionArray(checked(count(children, 1)[0]))


KINDS = {
    "pd.missing": ValueKind(_make_missing),
    "pd.Timestamp": ValueKind(_make_timestamp),
    "pd.Timedelta": ValueKind(_make_timedelta),
    "pd.Period": ValueKind(_make_period),
    "pd.Interval": ValueKind(_make_interval),
    "pd.masked": ValueKind(_make_masked),
    "pd.texts": ValueKind(_make_texts),
    "pd.categories": ValueKind(_make_categories),
    "pd.datetimes": ValueKind(_make_datetimes),
    "pd.timedeltas": ValueKind(_make_timedeltas),
    "pd.periods": ValueKind(_make_periods),
    "pd.intervals": ValueKind(_make_intervals),
    "pd.sparse": ValueKind(_make_sparse),
    "pd.arrow": ValueKind(_make_arrow),
    "pd.numpy": ValueKind(_make_numpy),
}
