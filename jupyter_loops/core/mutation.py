"""Which names a piece of code changes by itself, as far as its syntax shows."""

from __future__ import annotations

import ast

from .syntax_tree import parse_module

_WORDS = (
    "add append appendleft clear discard drop extend fill insert pop popitem popleft put remove resize reverse send"
    " setdefault setflags sort update write writelines"
)
IN_PLACE = frozenset(_WORDS.split())


def changed(tree: ast.AST) -> frozenset[str]:
    """Names that are bound anew, or whose values are changed in place: state, and not data to rely on."""
    return frozenset(name for node in ast.walk(tree) for name in _changed(node))


def changed_by_functions(source: str) -> frozenset[str]:
    """What the functions of a set-up change when they are called."""
    functions = [
        node for node in ast.walk(parse_module(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return frozenset(name for function in functions for part in function.body for name in changed(part))


def _changed(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Global):
        return set(node.names)
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        return {node.id}
    if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
        return _root(node)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in IN_PLACE:
        return _root(node.func)
    return set()


def _root(node: ast.expr) -> set[str]:
    """The name at the left end of `name.a[0].b`."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return {node.id} if isinstance(node, ast.Name) else set()
