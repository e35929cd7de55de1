"""What counts as a number in a check."""

from __future__ import annotations

from math import inf, isfinite, isnan
from numbers import Complex, Real
from typing import Any

_DEEPEST = 3  # a zero-dimensional array in another


def number(value: object) -> float | None:
    """A finite real number as a float, or None."""
    converted = _converted(value)
    return converted if converted is not None and isfinite(converted) else None


def lacks(value: object) -> str:
    """Why a value is no number to compare scores by, and what would be one."""
    converted, kind = _converted(value), type(_inner(value))
    if converted is not None:
        return f"which is {'not a number' if isnan(converted) else 'beyond every float'}: keep every case finite"
    if (shape := _shape(value)) is not None and shape != ():
        return f"an array of shape {shape}: one number is needed, such as its mean or sum"
    if kind is bool:
        return "which only says yes or no: give a number that grows with quality, such as a count or a share"
    if issubclass(kind, str | bytes):
        return "which is a text: give the number itself"
    if issubclass(kind, Complex):
        return "which is complex: give its real part or its size, abs(...)"
    return (
        "which is nothing: return a number in every case"
        if value is None
        else "which is no number: give an int or a float"
    )


def _converted(value: object) -> float | None:
    """The value as a float, finite or not."""
    from decimal import Decimal  # the examiner starts without it

    plain = _inner(value)
    if type(plain) is bool or not issubclass(type(plain), Real | Decimal):
        return None
    try:
        return float(plain)  # type: ignore[arg-type] # it is a Real or a Decimal
    except OverflowError:
        return inf
    except BaseException:  # noqa: BLE001 - a hostile __float__
        return None


def _inner(value: object, depth: int = _DEEPEST) -> object:
    """What a zero-dimensional array or the scalar of an array library holds; any other value itself."""
    kind: Any = type(value)
    unpack = getattr(kind, "item", None) or getattr(kind, "numpy", None)
    if not depth or issubclass(kind, Real) or unpack is None or _shape(value) != ():
        return value
    try:
        return _inner(unpack(value), depth - 1)
    except BaseException:  # noqa: BLE001 - an array on a device that is gone, or a hostile one
        return value


def _shape(value: object) -> tuple[object, ...] | None:
    """The shape of an array, by its class: an attribute that only the value has is not asked for."""
    if not hasattr(type(value), "shape"):
        return None
    try:
        return tuple(value.shape)  # type: ignore[attr-defined] # its class has one
    except BaseException:  # noqa: BLE001 - as above
        return None
