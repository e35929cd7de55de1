"""The static layer of code: the targets are there, with the stub's signature."""

from __future__ import annotations

import ast

from jupyter_loops.core.candidate import Layer, Verdict
from jupyter_loops.core.recipe import Recipe, Target, TargetKind

from .scope import bindings
from .signature import mismatch


def static(recipe: Recipe, tree: ast.Module) -> list[Verdict]:
    """One verdict a target."""
    bound = bindings(tree.body)
    return [_target(target, bound) for target in recipe.targets]


def _target(target: Target, bound: dict[str, ast.stmt]) -> Verdict:
    check = f"`{target.name}` is defined"
    if target.kind is not TargetKind.FUNCTION:
        missing = f"nothing assigns `{target.name}`: the code has to end with it"
        return _verdict(check, "" if target.name in bound else missing)
    return _verdict(f"{check} as its stub says", mismatch(target, bound.get(target.name)))


def _verdict(check: str, message: str) -> Verdict:
    return Verdict(check=check, layer=Layer.STATIC, passed=not message, message=message)
