"""The `Verifier` port, met by the functions of this folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from jupyter_loops.core.candidate import Candidate, Observation, Verdict
from jupyter_loops.core.imports import Imports
from jupyter_loops.core.recipe import Recipe

from .digest import digest
from .layers import Case, Importing, Parse, Static, climb
from .progress import progress
from .stuck import Detectors
from .telling import feedback, why


@dataclass(frozen=True, slots=True)
class Verifier:
    """Everything about a candidate's quality that needs no execution. Stateless."""

    imports: Imports = field(default_factory=Imports)  # what candidates may import

    def before(self, recipe: Recipe, candidate: Candidate) -> list[Verdict]:
        """The layers that need no execution, up to the first that fails."""
        layers = (Parse(), Static(), Importing(self.imports))
        return climb(layers, Case(recipe=recipe, candidate=candidate))

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
