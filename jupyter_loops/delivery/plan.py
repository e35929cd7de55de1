"""What has to run to define a candidate: its code, and the whole set-up where it or a type reads something of it."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_loops.core.candidate import Candidate, CandidateKind, Delivery
from jupyter_loops.core.names import binds, imports_star, reads, wants
from jupyter_loops.core.recipe import Recipe, Target, TargetKind
from jupyter_loops.language.needed import BY_NAME, needed

from .copies import may_change

_GAP = "\n\n\n"


@dataclass(frozen=True, slots=True)
class Plan:
    """The module to be: its text, and the statements of set-up and candidate with the line numbers of that text."""

    source: str
    setup: ast.Module
    code: ast.Module
    wanted: frozenset[str]  # what code and types read, and the set-up for them

    def given(self, namespace: Mapping[str, Any], targets: set[str]) -> dict[str, Any]:
        """What the module takes from the notebook."""
        before = wants([*self.setup.body, *self.code.body]) | (self.wanted - binds(self.setup) - binds(self.code))
        return {name: namespace[name] for name in sorted(before - targets - set(dir(builtins))) if name in namespace}


def in_code(recipe: Recipe, candidate: Candidate, delivery: Delivery) -> list[Target]:
    """The targets that are defined by running the candidate here: functions and classes."""
    apart = delivery.values.keys() | delivery.objects.keys()
    return [each for each in recipe.targets if each.name not in apart] if candidate.kind is CandidateKind.CODE else []


def plan(recipe: Recipe, candidate: Candidate, delivery: Delivery, *, whole: bool = False) -> Plan:
    """Read set-up and candidate; with `whole` the set-up is run, whoever reads it."""
    text = candidate.text if in_code(recipe, candidate, delivery) else ""
    code, setup = ast.parse(text), _as_main(recipe.setup)
    types = [ast.parse(each.annotation, mode="eval") for each in recipe.targets if each.kind is TargetKind.DATA]
    wanted = {name for node in (code, *types) for name in reads(node)}
    if not (setup.body and whole) and not _serves(setup, wanted):
        return Plan(text, ast.Module([], []), code, frozenset(wanted))
    wanted |= {name for statement in needed(setup.body, wanted) for name in reads(statement)}
    blank = len(recipe.setup) - len(recipe.setup.lstrip("\n"))
    above = recipe.setup.strip("\n")
    ast.increment_lineno(setup, -blank)
    ast.increment_lineno(code, above.count("\n") + len(_GAP))
    return Plan(f"{above}{_GAP}{text}" if text else f"{above}\n", setup, code, frozenset(wanted))


def stubs(functions: Sequence[Target]) -> str:
    """The functions as the cell declares them, without what is written above them."""
    bare = [ast.parse(each.source).body[0] for each in functions]
    for stub in bare:
        assert isinstance(stub, ast.FunctionDef | ast.AsyncFunctionDef)
        stub.decorator_list = []
    return "\n\n".join(["from __future__ import annotations", *map(ast.unparse, bare)])


def whole_setup(recipe: Recipe) -> Plan:
    """The set-up alone, for checks that may read all of it."""
    setup = _as_main(recipe.setup)
    return Plan(recipe.setup, setup, ast.Module([], []), frozenset(binds(setup)))


def parsed(text: str) -> list[ast.stmt]:
    """The statements of a text."""
    return ast.parse(text).body


def _as_main(setup: str) -> ast.Module:
    """A set-up, in which `__name__` is what it is in the notebook and was in the exam."""
    tree = ast.parse(setup)
    return _AsMain().visit(tree) if "__name__" in setup else tree


class _AsMain(ast.NodeTransformer):
    def visit_Name(self, node: ast.Name) -> ast.expr:
        read = node.id == "__name__" and isinstance(node.ctx, ast.Load)
        return ast.copy_location(ast.Constant("__main__"), node) if read else node


def _serves(setup: ast.Module, wanted: set[str]) -> bool:
    """Whether the set-up binds or changes something that is read."""
    if not setup.body:
        return False
    if imports_star(setup) or wanted & BY_NAME:
        return True
    return not wanted.isdisjoint(binds(setup) | may_change(setup.body))
