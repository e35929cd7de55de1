"""The notebook's names that only hidden checks read. The examiner gets them, and candidates do not."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

from jupyter_loops.core.names import reads
from jupyter_loops.core.recipe import Check, Recipe
from jupyter_loops.core.syntax_tree import parse_module


def private(recipe: Recipe, names: Mapping[str, object]) -> frozenset[str]:
    """The names that only hidden checks read, without modules, which hold no secret."""
    others = [recipe.setup, *(target.source for target in recipe.targets), *map(_text, recipe.visible)]
    hidden = _reads(*map(_text, recipe.hidden)) - _reads(*others)
    return frozenset(name for name in hidden & names.keys() if not isinstance(names[name], ModuleType))


def _text(check: Check) -> str:
    return f"{check.prelude}\n{check.source}"


def _reads(*sources: str) -> set[str]:
    return {name for source in sources for name in reads(parse_module(source))}
