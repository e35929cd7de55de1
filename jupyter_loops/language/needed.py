"""Which statements a name needs: those that bind or change it, and those that they need in turn."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from jupyter_loops.core.names import binds, changes, imports_star, reads

BY_NAME = frozenset({"globals", "locals", "vars", "eval", "exec"})  # code that calls these may need any name


def needed(statements: Sequence[ast.stmt], names: Iterable[str]) -> list[ast.stmt]:
    """The statements that the names need, in source order; all statements where this is unknown."""
    required, places = set(names), set[int]()
    while True:
        more = {
            place
            for place, statement in enumerate(statements)
            if place not in places and ((binds(statement) | changes(statement)) & required or _is_always(statement))
        }
        if not more:
            break
        places |= more
        required |= {name for place in more for name in reads(statements[place])}
    return list(statements) if required & BY_NAME else [statements[place] for place in sorted(places)]


def _is_always(statement: ast.stmt) -> bool:
    """`from x import *` may bind any name, and `from __future__` changes how the code is compiled."""
    return imports_star(statement) or (isinstance(statement, ast.ImportFrom) and statement.module == "__future__")
