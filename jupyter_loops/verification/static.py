"""The static layer of code: the targets are there, with the signatures of their stubs."""

from __future__ import annotations

import ast

from jupyter_loops.core.candidate import Layer, Verdict
from jupyter_loops.core.imports import imported
from jupyter_loops.core.names import bindings
from jupyter_loops.core.recipe import Recipe, Target, TargetKind

from .members import class_mismatch
from .signature_match import mismatch

_MAIN = "`__main__` is the notebook, and does not have the names of this code: use them as they are"


def static(recipe: Recipe, tree: ast.Module) -> list[Verdict]:
    """One verdict a target, and one more where the code reaches for the notebook."""
    bound = dict(bindings(tree.body))
    lines = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.stmt) and _reaches_main(node)]
    main = [_verdict("`__main__` is not imported", f"line {line}: {_MAIN}") for line in lines[:1]]
    return [*(_target(target, bound) for target in recipe.targets), *main]


def _target(target: Target, bound: dict[str, ast.stmt]) -> Verdict:
    check = f"`{target.name}` is defined"
    if target.kind is TargetKind.CLASS:
        return _verdict(f"{check} as its stub says", class_mismatch(target, bound))
    if target.kind is TargetKind.FUNCTION:
        return _verdict(f"{check} as its stub says", mismatch(target, bound.get(target.name)))
    missing = f"nothing assigns `{target.name}`: the code has to end with it"
    return _verdict(check, "" if target.name in bound else missing)


def _verdict(check: str, message: str) -> Verdict:
    return Verdict(check=check, layer=Layer.STATIC, passed=not message, message=message)


def _reaches_main(node: ast.stmt) -> bool:
    return any(module.partition(".")[0] == "__main__" for module in imported(node))
