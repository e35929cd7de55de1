"""Which statement gives a name its value at the top level of a candidate."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

_OWN_SCOPE = ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


def bindings(body: Sequence[ast.stmt]) -> dict[str, ast.stmt]:
    """Name → the last simple statement that binds it, those inside if, for, with and try among them."""
    return dict(bound(body))


def bound(body: Sequence[ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    """Each name with a simple statement that binds it, in order."""
    for statement in body:
        yield from _bound(statement, statement)


def _bound(node: ast.AST, statement: ast.stmt) -> Iterator[tuple[str, ast.stmt]]:
    if isinstance(node, ast.stmt):
        statement = node
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name, node
        return
    if isinstance(node, _OWN_SCOPE):
        return
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        if not (isinstance(statement, ast.AnnAssign) and statement.value is None):
            yield node.id, statement
    elif isinstance(node, ast.alias):
        yield (node.asname or node.name).partition(".")[0], statement
    for child in ast.iter_child_nodes(node):
        yield from _bound(child, statement)
