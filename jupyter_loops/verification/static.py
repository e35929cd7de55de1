"""The static layer of code: the targets are there, with the signatures of their stubs."""

from __future__ import annotations

import ast

from jupyter_loops.core.candidate import Layer, Verdict
from jupyter_loops.core.names import bindings
from jupyter_loops.core.recipe import Recipe, Target, TargetKind

from .members import class_mismatch
from .signature_match import mismatch


def static(recipe: Recipe, tree: ast.Module) -> list[Verdict]:
    """One verdict a target."""
    bound = dict(bindings(tree.body))
    return [_target(target, bound) for target in recipe.targets]


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
