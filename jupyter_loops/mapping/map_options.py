"""The options of a map, besides those of each of its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from jupyter_loops.errors import OptionError


@dataclass(frozen=True, slots=True, kw_only=True)
class MapOptions:
    """The same names as on the %%loop line."""

    over: str = ""  # where the rows come from, as written: a name, an expression, or a query
    key: str | None = None  # the column that tells rows apart; None: the index, or the position
    sample: int | None = None  # rows of a random pilot; None: no pilot
    yes: bool = False  # go on after the pilot without a person
    concurrency: int = 64  # most calls in flight
    models: tuple[str, ...] = ()  # a cascade: a row goes to the next model when its checks fail

    def __post_init__(self) -> None:
        for name in ("sample", "concurrency"):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise OptionError(f"--{name} must be a whole number of at least 1, got {value!r}")

    @property
    def written(self) -> dict[str, Any]:
        """The options as JSON, for the record."""
        return {field.name: getattr(self, field.name) for field in fields(self)} | {"models": list(self.models)}

    @classmethod
    def split(cls, options: Mapping[str, Any]) -> tuple[MapOptions, dict[str, Any]]:
        """These options, and those that are not among them. Raises OptionError."""
        names = {field.name for field in fields(cls)}
        own = {name: value for name, value in options.items() if name in names}
        return cls(**own), {name: value for name, value in options.items() if name not in names}
