"""The `Verifier` port, met by the functions of this folder."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field

from jupyter_loops.core.candidate import Candidate, CandidateKind, Layer, Observation, Verdict
from jupyter_loops.core.imports import Imports
from jupyter_loops.core.recipe import Recipe

from .data import data
from .digest import digest
from .progress import progress
from .static import static
from .stuck import Detectors
from .syntax import syntax
from .telling import feedback, why


@dataclass(frozen=True, slots=True)
class Verifier:
    """Everything about a candidate's quality that needs no execution. Stateless."""

    imports: Imports = field(default_factory=Imports)  # what candidates may import

    def before(self, recipe: Recipe, candidate: Candidate) -> list[Verdict]:
        """The layers that need no execution, up to the first that fails."""
        if candidate.kind is CandidateKind.DATA:
            return [data(recipe, candidate.text)]
        verdict, tree = syntax(candidate.text)
        return [verdict] if tree is None else [verdict, *static(recipe, tree), *self._imports(tree)]

    def _imports(self, tree: ast.Module) -> list[Verdict]:
        """One verdict where there are lists of modules."""
        if not self.imports:
            return []
        message = self.imports.refusal(tree)
        check = "the code imports only what it may"
        return [Verdict(check=check, layer=Layer.STATIC, passed=not message, message=message)]

    def digest(self, candidate: Candidate) -> str:
        """SHA-256 of the candidate in a normal form."""
        return digest(candidate)

    def progress(self, recipe: Recipe, verdicts: Sequence[Verdict]) -> float:
        """One number in [0, 1]; 1 when every check passed."""
        return progress(recipe, verdicts)

    def why(self, verdicts: Sequence[Verdict], observation: Observation | None) -> str:
        """The one line that a person reads. It may reach the model too, so hidden checks stay hidden."""
        return why(verdicts, observation)

    def feedback(self, verdicts: Sequence[Verdict], observation: Observation | None) -> tuple[str, ...]:
        """What the model is told; of hidden checks only how many failed."""
        return feedback(verdicts, observation)

    def detector(self, patience: int | None) -> Detectors:
        """Repetition, oscillation and plateau, for one run."""
        return Detectors(patience)
