"""The word `seconds(function, *args)`: how long one call takes, measured where the candidate runs."""

from __future__ import annotations

import ast
from collections.abc import Set as AbstractSet

from jupyter_loops.errors import CellError

_WORD = "seconds"
_USE = "`seconds` takes a function and its arguments, as in `seconds(f, [1, 2])`"


def well_timed(check: ast.stmt, targets: AbstractSet[str], line: int) -> None:
    """Raise CellError where `seconds` would not time a call of the function."""
    calls = [node for node in ast.walk(check) if isinstance(node, ast.Call) and _is_name(node.func, {_WORD})]
    called = {id(call.func) for call in calls}
    stray = any(_is_name(node, {_WORD}) and id(node) not in called for node in ast.walk(check))
    if stray or not all(call.args for call in calls):
        raise CellError(_USE, line)
    for function, *arguments in (call.args for call in calls):
        if isinstance(function, ast.Call) and _is_name(function.func, targets) and not arguments:
            raise CellError(f"{_USE}: `{ast.unparse(function)}` is called before it is timed", line)


def _is_name(node: ast.AST, names: AbstractSet[str]) -> bool:
    return isinstance(node, ast.Name) and node.id in names
