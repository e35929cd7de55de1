"""The layers that need no execution, each a small class behind one port, from cheap to dear.

The first that fails is the last that is looked at. What a layer took is the `seconds` of its first verdict.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Protocol

from jupyter_loops.core.candidate import Candidate, CandidateKind, Layer, Verdict
from jupyter_loops.core.imports import Imports
from jupyter_loops.core.recipe import Recipe

from .data import data
from .static import static
from .syntax import syntax


@dataclass(slots=True, kw_only=True)
class Case:
    """One candidate on its way up."""

    recipe: Recipe
    candidate: Candidate
    tree: ast.Module | None = None  # of code that could be parsed


class Still(Protocol):
    """A layer that looks at a candidate and does not run it."""

    def verify(self, case: Case) -> list[Verdict]:
        """Its verdicts; none where it has nothing to say."""
        ...


class Parse:
    """Is it Python, or JSON of the targets."""

    def verify(self, case: Case) -> list[Verdict]:
        """One verdict; leaves the syntax tree in the case."""
        if case.candidate.kind is CandidateKind.DATA:
            return [data(case.recipe, case.candidate.text)]
        verdict, case.tree = syntax(case.candidate.text)
        return [verdict]


class Static:
    """Targets as their stubs say, and nothing that tampers."""

    def verify(self, case: Case) -> list[Verdict]:
        """One verdict a target, one for tampering."""
        return [] if case.tree is None else static(case.recipe, case.tree)


@dataclass(frozen=True, slots=True)
class Importing:
    """Modules that a candidate may import."""

    imports: Imports = field(default_factory=Imports)

    def verify(self, case: Case) -> list[Verdict]:
        """One verdict where there are lists of modules."""
        if case.tree is None or not self.imports:
            return []
        message = self.imports.refusal(case.tree)
        check = "the code imports only what it may"
        return [Verdict(check=check, layer=Layer.STATIC, passed=not message, message=message)]


def climb(layers: Sequence[Still], case: Case) -> list[Verdict]:
    """The verdicts of the layers, up to the first that fails."""
    verdicts: list[Verdict] = []
    for layer in layers:
        began = perf_counter()
        said = layer.verify(case)
        seconds = perf_counter() - began
        verdicts += [replace(each, seconds=seconds if each is said[0] else 0.0) for each in said]
        if not all(each.passed for each in said):
            break
    return verdicts
