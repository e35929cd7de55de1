"""The verification layers, from cheap to expensive. Each is a small class behind the port `Stage`.

The first layer that fails is the last that runs. A layer's duration is the sum of its verdicts' `seconds`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter

from jupyter_loops.core.candidate import CandidateKind, Exit, Layer, Verdict
from jupyter_loops.core.imports import Imports
from jupyter_loops.core.ports import Case, Stage
from jupyter_loops.core.recipe import Check

from .code_syntax import syntax
from .data_syntax import data
from .static import static
from .verdict_words import ended


class Parse:
    """Is it Python, or JSON of the targets."""

    async def verify(self, case: Case) -> list[Verdict]:
        """One verdict; leaves the syntax tree in the case."""
        if case.candidate.kind is CandidateKind.DATA:
            return [data(case.recipe, case.candidate.text)]
        verdict, case.tree = syntax(case.candidate.text)
        return [verdict]


class Static:
    """Targets as their stubs say."""

    async def verify(self, case: Case) -> list[Verdict]:
        """One verdict a target."""
        return [] if case.tree is None else static(case.recipe, case.tree)


@dataclass(frozen=True, slots=True)
class Importing:
    """Modules that a candidate may import."""

    imports: Imports = field(default_factory=Imports)

    async def verify(self, case: Case) -> list[Verdict]:
        """One verdict where there are lists of modules."""
        if case.tree is None or not self.imports:
            return []
        message = self.imports.refusal(case.tree)
        check = "the code imports only what it may"
        return [Verdict(check=check, layer=Layer.STATIC, passed=not message, message=message)]


class Schema:
    """It runs, and what it leaves has the targets' types."""

    async def verify(self, case: Case) -> list[Verdict]:
        """One verdict about the candidate's run in the child, with its duration."""
        ran = case.observation
        assert ran is not None
        code = case.candidate.kind is CandidateKind.CODE
        check = "the code runs, and its targets have their types" if code else "the values have their types"
        passed, message = ran.exit is Exit.OK, "" if ran.exit is Exit.OK else ended(ran)
        layer, seconds, fault = Layer.SCHEMA, ran.seconds, ran.fault
        return [Verdict(check=check, layer=layer, passed=passed, message=message, seconds=seconds, fault=fault)]


@dataclass(frozen=True, slots=True)
class Examined:
    """Checks of one layer, run in the candidate's child: checks, hidden, metrics, judge, approval."""

    checks: Sequence[Check]

    async def verify(self, case: Case) -> list[Verdict]:
        """One verdict a check."""
        if not self.checks:
            return []
        assert case.attempt is not None
        verdicts, observation = await case.attempt.examine(self.checks, case.answering)
        if case.observed is not None:
            case.observed(observation)
        return verdicts


async def run_layers(layers: Sequence[Stage], case: Case) -> bool:
    """Add the verdicts of the layers to the case, up to the first layer that fails. True when all pass."""
    for layer in layers:
        began = perf_counter()
        verdicts = await layer.verify(case)
        seconds = perf_counter() - began
        if verdicts and not any(verdict.seconds for verdict in verdicts):
            verdicts[0] = replace(verdicts[0], seconds=seconds)
        case.verdicts.extend(verdicts)
        if not all(verdict.passed for verdict in verdicts):
            return False
    return True
