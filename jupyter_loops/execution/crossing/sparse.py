"""SciPy's sparse matrices and arrays, as the arrays under them."""

from __future__ import annotations

import sys
from typing import Any

from .kind import Decoding, Encoding, Node, ValueKind, count, fields, imported
from .refusal import UnreadableError

NAME = "scipy"
_CLASSES = frozenset(f"{form}_{sort}" for form in ("csr", "csc", "coo") for sort in ("matrix", "array"))
_OTHERS = frozenset({"lil", "dok", "bsr", "dia"})


def describe(value: Any, _: Encoding) -> Node | None:
    """The node of a sparse matrix or array; None for other objects of SciPy's."""
    if "scipy.sparse" not in sys.modules or not sys.modules["scipy.sparse"].issparse(value):
        return None
    name, form = type(value).__name__, value.format
    if name not in _CLASSES and form not in _OTHERS:
        return None
    if len(value.shape) != 2:  # noqa: PLR2004
        return None
    parts = value.tocoo()
    sort = "array" if name.endswith("_array") else "matrix"
    shape = tuple(map(int, value.shape))
    return "sp.sparse", (form, sort, shape), [parts.data, parts.row, parts.col]


def _make(payload: Any, children: list[Any], decoding: Decoding) -> object:
    np = imported("numpy")
    sp = imported("scipy.sparse")

    form, sort, shape = fields(payload, str, str, tuple)
    data, row, column = count(children, 3)
    if form not in {"csr", "csc", "coo", *_OTHERS} or sort not in {"array", "matrix"}:
        raise UnreadableError("a sparse matrix has no such form")
    if len(shape) != 2 or any(type(size) is not int or size < 0 for size in shape):  # noqa: PLR2004
        raise UnreadableError("a sparse matrix has no such shape")
    if any(type(array) is not np.ndarray or array.ndim != 1 for array in (data, row, column)):
        raise UnreadableError("a sparse matrix is not made of arrays")
    if row.dtype.kind != "i" or column.dtype.kind != "i" or data.dtype.kind not in "biufc":
        raise UnreadableError("a sparse matrix is not made of numbers")
    decoding.spend(8 * sum(shape))
    matrix = getattr(sp, f"coo_{sort}")((data, (row, column)), shape=shape)
    decoding.spend(data.nbytes if form in {"csr", "csc", "coo", "lil", "dok"} else _dense_size(matrix, form))
    return matrix.asformat(form)


def _dense_size(matrix: Any, form: str) -> int:
    return int(matrix.nnz) * (max(matrix.shape) if form == "dia" else 64) * int(matrix.dtype.itemsize)


def same(value: Any, other: Any, _: Any) -> bool | None:
    """Whether two sparse matrices have the same type and content."""
    if "scipy.sparse" not in sys.modules or not sys.modules["scipy.sparse"].issparse(value):
        return None
    first, second = value.tocoo(), other.tocoo()
    parts = zip((first.data, first.row, first.col), (second.data, second.row, second.col), strict=True)
    return value.shape == other.shape and all(x.dtype == y.dtype and x.tobytes() == y.tobytes() for x, y in parts)


def put_back(target: Any, new: Any) -> bool:
    """Gives a sparse matrix the content of another."""
    if "scipy.sparse" not in sys.modules or not sys.modules["scipy.sparse"].issparse(target):
        return False
    vars(target).clear()
    vars(target).update(vars(new))
    return True


KINDS = {"sp.sparse": ValueKind(_make)}
