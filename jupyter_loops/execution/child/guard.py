"""Notices a candidate that edits its own exam."""

from __future__ import annotations

import ast
import builtins
from typing import Any

_PLAIN = (int, float, str, bytes, bool, type(None))


class Guard:
    """Remembers the world as it was before the candidate ran. Deep mutation is not seen."""

    def __init__(self, names: dict[str, Any], targets: set[str]) -> None:
        self._builtins = dict(vars(builtins))
        self._names = {name: value for name, value in names.items() if name not in targets}

    def restore(self) -> list[str]:
        """Put the builtins back; name those that were changed or removed."""
        now = vars(builtins)
        changed = [name for name, value in self._builtins.items() if name != "_" and now.get(name, now) is not value]
        now.update(self._builtins)
        return changed

    def rebound(self, names: dict[str, Any]) -> set[str]:
        """Names that no longer mean what they did before the candidate."""
        return {name for name, value in self._names.items() if not _same(value, names.get(name, self))}


def names_read(source: str) -> set[str]:
    """Every name that a statement mentions."""
    return {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}


def _same(before: object, after: object) -> bool:
    return before is after or (type(before) is type(after) and isinstance(before, _PLAIN) and before == after)
