"""Leaves out of a candidate what is not part of it: example calls, prints, the model's own asserts."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from jupyter_loops.core.names import binds

_SHOWN = {"print", "display", "pprint", "help"}


def bound_names(source: str) -> set[str]:
    """The names that a module binds at its top level."""
    return {name for node in ast.parse(source).body for name in binds(node)}


def trim(source: str, names: Sequence[str]) -> str:
    """The source without its top-level examples; what `names` may need stays, comments included."""
    body = ast.parse(source).body
    examples = [node for node in body if _is_example(node, names)]
    kept = [node for node in body if node not in examples]
    used = {name for node in kept for name in _loads(node)} | set(names)
    trials = [node for node in kept if _is_trial(node, names) and not binds(node) & used]
    lines = source.splitlines()
    for node in reversed(body):
        if node in examples or node in trials:
            _remove(lines, node, body)
    return "\n".join(lines).strip("\n") + "\n"


def _is_example(node: ast.stmt, names: Sequence[str]) -> bool:
    match node:
        case ast.Assert() | ast.Pass() | ast.Expr(value=ast.Constant() | ast.Name() | ast.Compare()):
            return True
        case ast.Expr(value=ast.Call() as call):
            return _calls(call, names) or (isinstance(call.func, ast.Name) and call.func.id in _SHOWN)
        case ast.For() | ast.While() | ast.If() | ast.With() | ast.Try():
            main = isinstance(node, ast.If) and "__name__" in _loads(node.test)
            return main or all(_is_example(inner, names) for inner in _inside(node))
        case _:
            return False


def _is_trial(node: ast.stmt, names: Sequence[str]) -> bool:
    """An assignment that tries a target out, or asks a person for input."""
    return isinstance(node, ast.Assign | ast.AnnAssign) and _calls(node, [*names, "input"])


def _inside(node: ast.For | ast.While | ast.If | ast.With | ast.Try) -> list[ast.stmt]:
    blocks = [node.body, getattr(node, "orelse", []), getattr(node, "finalbody", [])]
    blocks += [caught.body for caught in getattr(node, "handlers", [])]
    return [statement for block in blocks for statement in block]


def _calls(node: ast.AST, names: Iterable[str]) -> bool:
    called = {
        inner.func.id for inner in ast.walk(node) if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name)
    }
    return not called.isdisjoint(names)


def _loads(node: ast.AST) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Load)}


def _remove(lines: list[str], node: ast.stmt, body: Sequence[ast.stmt]) -> None:
    """Blank out a statement and the comments just above it, unless it shares a line with another one."""
    first, last = node.lineno - 1, node.end_lineno or node.lineno
    shared = any(other is not node and _overlap(other, node) for other in body)
    if shared:
        return
    while first and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    del lines[first:last]


def _overlap(one: ast.stmt, other: ast.stmt) -> bool:
    return one.lineno <= (other.end_lineno or 0) and other.lineno <= (one.end_lineno or 0)
