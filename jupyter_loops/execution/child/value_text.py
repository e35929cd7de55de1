"""Values as short text, even if they are hostile."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from jupyter_loops.core.redaction import redact

LIMIT = 300  # characters of one value
_ITEMS = 12  # of a container
_DEPTH = 3
_ARRAYS = frozenset({"numpy", "pandas", "polars", "pyarrow", "torch", "jax", "jaxlib", "xarray", "tensorflow"})
_KEY = 4096  # characters that a key may have; one that was cut is not known any more
_BITS = 4096  # of an integer that is still worth its digits
_BRACKETS = {list: ("[", "]"), tuple: ("(", ")"), set: ("{", "}"), frozenset: ("frozenset({", "})")}


def describe(value: object, limit: int = LIMIT) -> str:
    """`repr`, at most `limit` characters long; never raises, and costs little for huge values."""
    try:
        return clip(_describe(value, limit, _DEPTH), limit)
    except BaseException as error:  # noqa: BLE001 - a hostile __repr__ may raise anything, SystemExit too
        return f"<{kind(value)} whose repr raised {kind(error)}>"


def clip(text: str, limit: int) -> str:
    """The text, or its head and tail with the cut marked; no key is cut."""
    if len(text) <= limit:
        return text
    tail = limit // 4
    head, end = _ends(text, limit - tail - 3 if tail else limit, tail)
    return f"{head}...{end}" if tail else head


def kind(value: object) -> str:
    """The name of a value's type."""
    return str(type.__getattribute__(type(value), "__name__"))


def message(error: BaseException, limit: int = 2000) -> str:
    """An exception's own words, clipped."""
    try:
        return clip(str(error), limit)
    except BaseException as inner:  # noqa: BLE001 - a hostile __str__
        return f"<message could not be read: {kind(inner)}>"


def _describe(value: object, limit: int, depth: int) -> str:
    exact = type(value)
    if exact in {str, bytes}:
        return _text(value, limit)  # type: ignore[arg-type] # narrowed by the line above
    if exact is int and value.bit_length() > _BITS:  # type: ignore[attr-defined] # it is an int
        return f"<int of {value.bit_length()} bits>"  # type: ignore[attr-defined] # same
    if exact in _BRACKETS or exact is dict:
        return _container(value, limit, depth)
    if exact.__module__.partition(".")[0] in _ARRAYS and hasattr(value, "shape"):
        return _array(value, limit)
    return repr(value)


def _text(value: str | bytes, limit: int) -> str:
    if len(value) <= limit:
        return repr(value)
    tail = limit // 4
    text = value if isinstance(value, str) else value.decode("latin-1")
    ends = _ends(text, limit - tail, tail)
    first, last = ends if isinstance(value, str) else (end.encode("latin-1") for end in ends)
    return f"{first!r}...{last!r} ({len(value)} long)"


def _ends(text: str, head: int, tail: int) -> tuple[str, str]:
    """So much of a text's beginning and of its end, redacted before they are cut."""
    end = redact(text[-tail - _KEY :])[-tail:] if tail else ""
    return redact(text[: head + _KEY])[:head], end


def _container(value: object, limit: int, depth: int) -> str:
    size = len(value)  # type: ignore[arg-type] # the caller checked that it is a builtin container
    if not depth and size:
        return "{...}" if isinstance(value, dict) else "[...]"
    if isinstance(value, dict):
        parts = [
            f"{_describe(key, limit, depth - 1)}: {_describe(item, limit, depth - 1)}"
            for key, item in islice(value.items(), _ITEMS)
        ]
        open_bracket, close_bracket = "{", "}"
    else:
        assert isinstance(value, Iterable)
        parts = [_describe(item, limit, depth - 1) for item in islice(value, _ITEMS)]
        open_bracket, close_bracket = _BRACKETS[type(value)]
    if size > _ITEMS:
        parts.append(f"... {size - _ITEMS} more")
    inner = ", ".join(parts) + ("," if size == 1 and open_bracket == "(" else "")
    if not size and isinstance(value, set | frozenset):
        return f"{kind(value)}()"
    return f"{open_bracket}{inner}{close_bracket}"


def _array(value: object, limit: int) -> str:
    shape = tuple(value.shape)  # type: ignore[attr-defined] # the caller checked
    if not shape:
        return repr(value.item() if hasattr(value, "item") else value)
    columns = getattr(value, "columns", None)
    dtypes = getattr(value, "dtypes", None)
    if columns is not None and dtypes is not None:
        pairs = islice(zip(columns, dtypes, strict=False), _ITEMS)
        more = f", ... {len(columns) - _ITEMS} more" if len(columns) > _ITEMS else ""
        what = ", ".join(f"{name} {dtype}" for name, dtype in pairs) + more
        return f"{kind(value)}, {shape[0]} rows x {len(columns)} columns ({what})"
    content = repr(value.ravel()[:_ITEMS].tolist()) if hasattr(value, "ravel") else repr(list(islice(value, _ITEMS)))  # type: ignore[call-overload] # arrays iterate
    return clip(f"{kind(value)}, shape {shape}, {getattr(value, 'dtype', '')}: {content}", limit)
