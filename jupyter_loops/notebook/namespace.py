"""The notebook's names that a loop needs."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Mapping

from jupyter_loops.core.names import binds, imports_star
from jupyter_loops.core.recipe import Recipe
from jupyter_loops.core.syntax_tree import parse_module
from jupyter_loops.errors import PreflightError
from jupyter_loops.nearest import nearest


def gather(recipe: Recipe, namespace: Mapping[str, object]) -> dict[str, object]:
    """The values of `recipe.uses`. Raises PreflightError for a name that is defined nowhere."""
    missing = sorted(recipe.uses - namespace.keys())
    if missing and not imports_star(parse_module(recipe.setup)):
        name = missing[0]
        defined = {*_public(namespace), *_defined(recipe), *dir(builtins)}
        raise PreflightError(f"{_where(recipe, name)} reads `{name}`, which is defined nowhere{nearest(name, defined)}")
    return {name: namespace[name] for name in sorted(recipe.uses & namespace.keys())}


def _public(namespace: Mapping[str, object]) -> set[str]:
    return {name for name in namespace if not name.startswith("_")}


def _defined(recipe: Recipe) -> set[str]:
    return binds(parse_module(recipe.setup)) | {target.name for target in recipe.targets}


def _where(recipe: Recipe, name: str) -> str:
    """The first check, or else the set-up, that reads the name."""
    for check in recipe.checks:
        tree = parse_module(f"{check.prelude}\n{check.source}")
        if any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(tree)):
            return f"line {check.line}: the check"
    return "the cell"
