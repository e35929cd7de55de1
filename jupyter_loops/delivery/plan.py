"""What has to run to define a candidate: its code, and the full set-up if the code or a type reads a part of it."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_loops.core.candidate import Candidate, CandidateKind, Delivery
from jupyter_loops.core.names import binds, imports_star, reads, wants
from jupyter_loops.core.recipe import Recipe, Target, TargetKind
from jupyter_loops.core.syntax_tree import parse_expression, parse_module
from jupyter_loops.language.needed import BY_NAME, needed

from .copies import may_change

_GAP = "\n\n\n"


@dataclass(frozen=True, slots=True)
class Plan:
    """The future module: its text, and the statements of set-up and candidate with the line numbers of that text."""

    source: str
    setup: ast.Module
    code: ast.Module
    required: frozenset[str]  # names that the code, the types and their set-up read

    def notebook_names(self, namespace: Mapping[str, Any], targets: set[str]) -> dict[str, Any]:
        """The names that the module needs of the notebook, with their values."""
        before = wants([*self.setup.body, *self.code.body]) | (self.required - binds(self.setup) - binds(self.code))
        return {name: namespace[name] for name in sorted(before - targets - set(dir(builtins))) if name in namespace}


def in_code(recipe: Recipe, candidate: Candidate, delivery: Delivery) -> list[Target]:
    """The targets that are defined by running the candidate here: functions and classes."""
    if candidate.kind is not CandidateKind.CODE:
        return []
    encoded = delivery.values.keys() | delivery.objects.keys()
    return [target for target in recipe.targets if target.name not in encoded]


def plan(recipe: Recipe, candidate: Candidate, delivery: Delivery, *, full_setup: bool = False) -> Plan:
    """Read set-up and candidate. With `full_setup` the set-up runs even if nothing reads it."""
    text = candidate.text if in_code(recipe, candidate, delivery) else ""
    code, setup = parse_module(text), _as_main(recipe.setup)
    types = [parse_expression(target.annotation) for target in recipe.targets if target.kind is TargetKind.DATA]
    required = {name for node in (code, *types) for name in reads(node)}
    if not (setup.body and full_setup) and not _serves(setup, required):
        return Plan(text, ast.Module([], []), code, frozenset(required))
    required |= {name for statement in needed(setup.body, required) for name in reads(statement)}
    blank = len(recipe.setup) - len(recipe.setup.lstrip("\n"))
    above = recipe.setup.strip("\n")
    ast.increment_lineno(setup, -blank)
    ast.increment_lineno(code, above.count("\n") + len(_GAP))
    return Plan(f"{above}{_GAP}{text}" if text else f"{above}\n", setup, code, frozenset(required))


def stubs(functions: Sequence[Target]) -> str:
    """The functions as the cell declares them, without their decorators."""
    definitions = [parse_module(function.source).body[0] for function in functions]
    for stub in definitions:
        assert isinstance(stub, ast.FunctionDef | ast.AsyncFunctionDef)
        stub.decorator_list = []
    return "\n\n".join(["from __future__ import annotations", *map(ast.unparse, definitions)])


def setup_plan(recipe: Recipe) -> Plan:
    """The set-up alone, for checks that may read all of it."""
    setup = _as_main(recipe.setup)
    return Plan(recipe.setup, setup, ast.Module([], []), frozenset(binds(setup)))


def parsed(text: str) -> list[ast.stmt]:
    """The statements of a text."""
    return parse_module(text).body


def _as_main(setup: str) -> ast.Module:
    """A set-up, in which `__name__` is what it is in the notebook and was in the exam."""
    tree = parse_module(setup)
    return _AsMain().visit(tree) if "__name__" in setup else tree


class _AsMain(ast.NodeTransformer):
    def visit_Name(self, node: ast.Name) -> ast.expr:
        read = node.id == "__name__" and isinstance(node.ctx, ast.Load)
        return ast.copy_location(ast.Constant("__main__"), node) if read else node


def _serves(setup: ast.Module, required: set[str]) -> bool:
    """Whether the set-up binds or changes something that is read."""
    if not setup.body:
        return False
    if imports_star(setup) or required & BY_NAME:
        return True
    return not required.isdisjoint(binds(setup) | may_change(setup.body))
