"""How a number is shown beside its target."""

from __future__ import annotations


def beside(value: float, target: float, unit: str) -> str:
    """Whether `value` meets a target that is an upper bound, both in the same unit."""
    return f"{'✓' if value <= target else '✕'} ≤ {target:g} {unit}"
