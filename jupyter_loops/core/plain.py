"""Values as dicts. `dataclasses.asdict` copies everything below as well, which a round pays for many times over."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from typing import Any


@cache
def names(kind: type) -> tuple[str, ...]:
    """The fields of a dataclass, in order."""
    return tuple(field.name for field in fields(kind))


def plain(value: Any) -> dict[str, Any]:
    """A dataclass as a dict, one level deep: what its fields hold is passed on, not copied."""
    return {name: getattr(value, name) for name in names(value.__class__)}
