"""NumPy's arrays and scalars: by their bytes and a type that is checked, never by pickle."""

from __future__ import annotations

import math
import re
import sys
from typing import Any

from .kind import Decoding, Encoding, Node, ValueKind, count, expect, fields, imported
from .plain_values import ATOMS
from .refusal import UnreadableError, UnsendableError

NAME = "numpy"
_SIMPLE = re.compile(r"[<>|=](?:[biufcSUV]\d{1,9}|[mM]8(?:\[\d{0,9}[a-zA-Zμ]{1,7}\])?)")
_MOST = 64  # dimensions
_DEEPEST = 8  # structures in structures
_ORDERS = {"C", "F"}
_VIEWS = {"recarray", "matrix"}  # NumPy's own subclasses that are a view of an array


def describe(value: Any, _: Encoding) -> Node | None:  # noqa: PLR0911
    """The node of an array, scalar or dtype; None for other objects of NumPy's."""
    np = sys.modules["numpy"]
    kind = type(value)
    if kind is np.ndarray:
        return _of_array(np, value)
    if kind is np.ma.MaskedArray:
        return "np.masked", None, [np.asarray(value.data), np.ma.getmaskarray(value), value.fill_value]
    if value is np.ma.masked:
        return "np.nothing", None, ()
    if isinstance(value, np.dtype):
        return "np.dtype", _description(value), ()
    if isinstance(value, np.generic) and vars(np).get(kind.__name__) is kind and not isinstance(value, np.object_):
        return "np.scalar", None, [np.asarray(value).reshape(())]
    if kind in {np.recarray, np.matrix}:
        return "np.view", kind.__name__, [_plain(np, value)]
    if isinstance(value, np.ndarray):
        return _of_array(np, _plain(np, value))
    return None


def _plain(np: Any, value: Any) -> Any:
    return np.ndarray.view(value, np.ndarray)


def _of_array(np: Any, value: Any) -> Node:
    shape = tuple(map(int, value.shape))
    order = "F" if value.flags.f_contiguous and not value.flags.c_contiguous else "C"
    if value.dtype == np.dtype(object):
        return "np.objects", (shape, order), value.reshape(-1, order=order).tolist()
    straight = value.reshape(-1, order=order)
    return "np.array", (_description(value.dtype), shape, order, _bytes(np, straight)), ()


def _bytes(np: Any, straight: Any) -> bytearray:
    return bytearray(np.ascontiguousarray(straight).view(np.uint8).data) if straight.nbytes else bytearray()


def _description(dtype: Any, depth: int = 0) -> Any:
    if dtype.hasobject or depth > _DEEPEST or dtype.kind not in "biufcSUVmM":
        raise UnsendableError(f"an array of type {dtype} does not cross: give it a numeric, string or object type")
    if dtype.names is not None:
        parts = [(name, _description(dtype.fields[name][0], depth + 1), dtype.fields[name][1]) for name in dtype.names]
        return tuple(parts), dtype.itemsize
    if dtype.subdtype is not None:
        return _description(dtype.subdtype[0], depth + 1), tuple(map(int, dtype.subdtype[1])), "of"
    return dtype.str


def dtype_of(description: Any, depth: int = 0) -> Any:
    """A dtype from its description. Raises UnreadableError."""
    np = imported("numpy")

    if type(description) is str and _SIMPLE.fullmatch(description):
        return np.dtype(description)
    if type(description) is not tuple or depth > _DEEPEST:
        raise UnreadableError("an array has no such type")
    if len(description) == 3:  # noqa: PLR2004
        base, shape, _word = description
        return np.dtype((dtype_of(base, depth + 1), _shape(shape)))
    parts, size = fields(description, tuple, int)
    names, formats, offsets = zip(*(fields(part, str, type(part[1]), int) for part in parts), strict=True)
    types = [dtype_of(member, depth + 1) for member in formats]
    return np.dtype({"names": list(names), "formats": types, "offsets": list(offsets), "itemsize": size})


def _shape(shape: Any) -> tuple[int, ...]:
    if type(shape) is not tuple or len(shape) > _MOST or any(type(length) is not int or length < 0 for length in shape):
        raise UnreadableError("an array has no such shape")
    return shape


def _make_array(payload: Any, _: list[Any], __: Decoding) -> object:
    np = imported("numpy")

    description, shape, order, data = fields(payload, type(payload[0]), tuple, str, bytearray)
    dtype = dtype_of(description)
    size = math.prod(_shape(shape))
    if dtype.itemsize * size != len(data) or order not in _ORDERS or (size and not dtype.itemsize):
        raise UnreadableError("an array has not the size that its type and shape say")
    if not data:
        return np.empty(shape, dtype, order)
    return np.frombuffer(data, dtype).reshape(shape, order=order)


def _make_objects(payload: Any, _: list[Any], decoding: Decoding) -> object:
    np = imported("numpy")

    shape, order = fields(payload, tuple, str)
    size = math.prod(_shape(shape))
    decoding.spend(8 * size)
    return np.empty(shape, object, expect(order, str))


def _fill_objects(target: Any, payload: Any, children: list[Any], _: Decoding) -> None:
    np = imported("numpy")

    count(children, target.size)
    straight = np.empty(len(children), object)
    for place, child in enumerate(children):
        straight[place] = child
    target[...] = straight.reshape(payload[0], order=payload[1])


def _make_masked(_: Any, children: list[Any], __: Decoding) -> object:
    np = imported("numpy")

    data, mask, fill = count(children, 3)
    if type(data) is not np.ndarray or type(mask) is not np.ndarray or data.shape != mask.shape or mask.dtype != bool:
        raise UnreadableError("a masked array has no such mask")
    if type(fill) not in ATOMS and not isinstance(fill, np.generic):
        raise UnreadableError("a masked array has no such fill value")
    return np.ma.MaskedArray(data, mask, fill_value=fill)


def _make_view(name: Any, children: list[Any], _: Decoding) -> object:
    np = imported("numpy")

    (array,) = count(children, 1)
    if type(array) is not np.ndarray or name not in _VIEWS or (name == "matrix" and array.ndim != 2):  # noqa: PLR2004
        raise UnreadableError("an array has no such class")
    return array.view(getattr(np, name))


def _make_scalar(_: Any, children: list[Any], __: Decoding) -> object:
    np = imported("numpy")

    (array,) = count(children, 1)
    if type(array) is not np.ndarray or array.shape != () or array.dtype.hasobject:
        raise UnreadableError("a scalar is none")
    return array[()]


def _make_nothing(*_: object) -> object:
    np = imported("numpy")

    return np.ma.masked


KINDS = {
    "np.array": ValueKind(_make_array),
    "np.objects": ValueKind(_make_objects, _fill_objects),
    "np.masked": ValueKind(_make_masked),
    "np.view": ValueKind(_make_view),
    "np.scalar": ValueKind(_make_scalar),
    "np.nothing": ValueKind(_make_nothing),
    "np.dtype": ValueKind(lambda payload, *_: dtype_of(payload)),
}


def same(value: Any, other: Any, pair: Any) -> bool | None:
    """Whether two arrays have the same type, shape and content."""
    np = sys.modules["numpy"]
    if not isinstance(value, np.ndarray):
        return None
    if value.dtype != other.dtype or value.shape != other.shape:
        return False
    if isinstance(value, np.ma.MaskedArray) and not np.array_equal(
        np.ma.getmaskarray(value), np.ma.getmaskarray(other)
    ):
        return False
    if value.dtype.hasobject:
        return all(x is y or (type(x) is type(y) and pair(x, y)) for x, y in zip(value.flat, other.flat, strict=True))
    return bool(np.asarray(value).tobytes() == np.asarray(other).tobytes())


def put_back(target: Any, new: Any) -> bool:
    """Gives an array the content of another of its type and shape. Raises UnreadableError."""
    np = sys.modules["numpy"]
    if not isinstance(target, np.ndarray):
        return False
    if target.dtype != new.dtype or target.shape != new.shape:
        raise UnreadableError("an array cannot change its shape or type in place: return the array")
    _plain(np, target)[...] = _plain(np, new)
    if isinstance(target, np.ma.MaskedArray):
        _put_mask(np, target, np.ma.getmaskarray(new))
    return True


def _put_mask(np: Any, target: Any, mask: Any) -> None:
    if np.array_equal(np.ma.getmaskarray(target), mask):
        return
    is_hard = target.hardmask
    target.soften_mask()  # a hard one cannot be lifted
    target.mask = mask
    if is_hard:
        target.harden_mask()


def takes_over(target: Any, new: Any) -> bool:
    """Whether an array can get its content of an array of another class: one in a file crosses as a plain one."""
    np = sys.modules["numpy"]
    return type(target) is np.memmap and type(new) is np.ndarray
