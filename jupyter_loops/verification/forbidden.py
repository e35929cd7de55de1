"""What a candidate must not touch, found in its syntax.

A short list of ways to reach the exam instead of passing it: other people's frames and objects,
the interpreter's tables, names that the checks rely on. It is no wall: the wall is the sandbox,
and hidden checks are the judge. It turns the usual tricks into a clear answer.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Mapping
from functools import lru_cache

from jupyter_loops.core.recipe import Recipe

from .scope import bindings

MODULES = frozenset({"jupyter_loops", "ctypes", "_ctypes", "gc", "__main__", "IPython", "ipykernel", "signal"})
ATTRIBUTES = {
    "sys": frozenset({"_getframe", "_current_frames", "modules", "settrace", "setprofile", "addaudithook"}),
    "inspect": frozenset({"stack", "currentframe", "getouterframes", "trace"}),
    "threading": frozenset({"settrace", "setprofile"}),
}
FRAMES = frozenset({"f_back", "f_globals", "f_locals", "f_builtins", "tb_frame", "gi_frame", "cr_frame"})
REFLECTION = frozenset({"__subclasses__", "__globals__", "__builtins__", "__closure__", "__code__"})
BUILTINS = frozenset(dir(builtins))


def forbidden(recipe: Recipe, tree: ast.Module) -> str:
    """The first thing that a candidate must not do, in one line; empty when there is none."""
    return next((f"line {line}: {what}" for line, what in (*_reaches(tree), *_rebinds(recipe, tree))), "")


def _reaches(tree: ast.Module) -> Iterator[tuple[int, str]]:
    aliases = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 1)
        for module in _imported(node):
            if module.partition(".")[0] in MODULES:
                yield line, f"`{module}` is not for candidates"
        for name in _named(node, aliases):
            yield line, f"`{name}` is not for candidates"
        if isinstance(node, ast.Attribute | ast.Subscript | ast.Name) and not isinstance(node.ctx, ast.Load):
            root = node.value if isinstance(node, ast.Attribute | ast.Subscript) else None
            if isinstance(root, ast.Name) and root.id in {"builtins", "__builtins__"}:
                yield line, "built-in names stay as they are"


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield node.module
    elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        function = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if function in {"__import__", "import_module"} and isinstance(node.args[0].value, str):
            yield node.args[0].value


def _named(node: ast.AST, aliases: Mapping[str, str]) -> Iterator[str]:
    if isinstance(node, ast.Attribute):
        root = node.value.id if isinstance(node.value, ast.Name) else getattr(node.value, "attr", "")
        root = aliases.get(root, root)
        if node.attr in ATTRIBUTES.get(root, ()):
            yield f"{root}.{node.attr}"
        elif node.attr in FRAMES | REFLECTION:
            yield node.attr
    elif isinstance(node, ast.ImportFrom):
        taken = ATTRIBUTES.get(node.module or "", frozenset())
        yield from (f"{node.module}.{alias.name}" for alias in node.names if alias.name in taken)
    elif isinstance(node, ast.Name) and node.id == "__builtins__":
        yield node.id


def _rebinds(recipe: Recipe, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Names that the set-up gives or the checks read, other than by an import or in the very same words."""
    given, guarded = _given(recipe)
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            yield from (
                (node.lineno, f"`{name}` is given, and must not be changed") for name in guarded & {*node.names}
            )
    for name, statement in bindings(tree.body).items():
        if name not in guarded or isinstance(statement, ast.Import | ast.ImportFrom):
            continue
        if ast.dump(statement) != given.get(name):
            yield statement.lineno, f"`{name}` is given, and must not be defined again"


@lru_cache(maxsize=64)
def _given(recipe: Recipe) -> tuple[dict[str, str], frozenset[str]]:
    """Name → syntax of what the set-up binds, and the names that no candidate may bind. Once a recipe."""
    given = {name: ast.dump(statement) for name, statement in bindings(ast.parse(recipe.setup).body).items()}
    exam = ast.parse("\n".join(part for check in recipe.checks for part in (check.prelude, check.source)))
    read = {node.id for node in ast.walk(exam) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    guarded = (given.keys() | recipe.uses | (read & BUILTINS)) - {target.name for target in recipe.targets}
    return given, frozenset(guarded)
