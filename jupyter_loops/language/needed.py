"""Which statements a name needs: those that bind it or change it, and what they need in turn."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from jupyter_loops.core.names import binds, changes, imports_star, reads

BY_NAME = frozenset({"globals", "locals", "vars", "eval", "exec"})  # who uses these may need anything


def needed(statements: Sequence[ast.stmt], names: Iterable[str]) -> list[ast.stmt]:
    """The statements that the names need, in their order; all of them where that cannot be told."""
    wanted, found = set(names), set[int]()
    while True:
        more = {
            place
            for place, statement in enumerate(statements)
            if place not in found and ((binds(statement) | changes(statement)) & wanted or _is_always(statement))
        }
        if not more:
            break
        found |= more
        wanted |= {name for place in more for name in reads(statements[place])}
    return list(statements) if wanted & BY_NAME else [statements[place] for place in sorted(found)]


def _is_always(statement: ast.stmt) -> bool:
    """`from x import *` may bind anything, and `from __future__` changes how everything is read."""
    return imports_star(statement) or (isinstance(statement, ast.ImportFrom) and statement.module == "__future__")
