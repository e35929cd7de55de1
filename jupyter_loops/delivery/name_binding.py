"""The names that a run has bound in a notebook, and how to undo that."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Change:
    """One name of the notebook, before and after."""

    name: str
    before: object
    after: object

    def __str__(self) -> str:
        was = "new" if self.before is _ABSENT else f"was {type(self.before).__name__}"
        return f"{self.name}: {type(self.after).__name__} ({was})"


@dataclass(slots=True)
class Delivered:
    """The names that a run bound, and their values before."""

    namespace: MutableMapping[str, Any]
    changes: list[Change] = field(default_factory=list)
    module: ModuleType | None = None  # where the verified code is defined

    def undo(self) -> list[Change]:
        """Restore the earlier values, except of names that were bound again since. Returns what was restored."""
        undone = []
        for change in reversed(self.changes):
            if self.namespace.get(change.name, _ABSENT) is not change.after:
                continue
            undone.append(change)
            if change.before is _ABSENT:
                del self.namespace[change.name]
            else:
                self.namespace[change.name] = change.before
        self.changes = []
        return undone[::-1]

    def bind(self, name: str, value: object) -> None:
        """Bind one name."""
        self.changes.append(Change(name, self.namespace.get(name, _ABSENT), value))
        self.namespace[name] = value
