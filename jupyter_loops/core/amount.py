"""Numbers of a budget with their units."""

from __future__ import annotations


def amount(limit: str, value: float) -> str:
    """A number of the Budget field `limit`, as a person reads it."""
    if limit == "usd":
        return f"${value:.4g}"
    if limit == "seconds":
        return f"{value:.1f} s"
    return counted(int(value), "round" if limit == "iterations" else limit.removesuffix("s"))


def counted(number: int, noun: str) -> str:
    """`1 round`, `2,000 rounds`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
