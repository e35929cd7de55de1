"""Numbers of a budget with their units."""

from __future__ import annotations


def amount(limit: str, value: float) -> str:
    """A number of the Budget field `limit`, as a person reads it."""
    if limit == "usd":
        return f"${value:.4g}"
    if limit == "seconds":
        return f"{value:.1f} s"
    unit = "rounds" if limit == "iterations" else limit
    return f"{int(value):,} {unit.removesuffix('s') if int(value) == 1 else unit}"
