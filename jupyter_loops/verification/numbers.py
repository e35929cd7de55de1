"""What counts as a number in a check."""

from __future__ import annotations

from math import isfinite
from numbers import Real


def number(value: object) -> float | None:
    """A finite real number as a float, or None."""
    if type(value) is bool or not issubclass(type(value), Real):  # what a value says of its own class is not asked
        return None
    try:
        converted = float(value)  # type: ignore[arg-type] # it is a Real
    except BaseException:  # noqa: BLE001 - too large, or a hostile __float__
        return None
    return converted if isfinite(converted) else None
