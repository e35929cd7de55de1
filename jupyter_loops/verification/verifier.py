"""The `LayeredVerifier` port, implemented by the functions of this folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from jupyter_loops.core.candidate import Candidate, Layer, Observation, Verdict
from jupyter_loops.core.imports import Imports
from jupyter_loops.core.ports import Case
from jupyter_loops.core.recipe import Recipe

from .digest import digest
from .iteration_progress import progress
from .layers import Examined, Importing, Parse, Schema, Static, run_layers
from .stuck import Detectors
from .verdict_words import feedback, why


@dataclass(frozen=True, slots=True)
class LayeredVerifier:
    """How good a candidate is. Stateless."""

    imports: Imports = field(default_factory=Imports)  # what candidates may import

    async def before(self, case: Case) -> bool:
        """The layers that need no execution, up to the first that fails."""
        return await run_layers((Parse(), Static(), Importing(self.imports)), case)

    async def after(self, case: Case) -> bool:
        """The layers of a candidate that has run, without a judge.

        Hidden checks come last: the candidate's output after one of them may reveal it.
        """
        layers = (Layer.CHECKS, Layer.METRICS, Layer.HIDDEN)
        return await run_layers((Schema(), *(Examined(case.recipe.on(layer)) for layer in layers)), case)

    async def judged(self, case: Case) -> bool:
        """The layer of a judge, who is asked check by check, since that costs money."""
        return await run_layers([Examined((check,)) for check in case.recipe.on(Layer.JUDGE)], case)

    async def approval(self, case: Case) -> bool:
        """The last layer: a person."""
        return await run_layers((Examined(case.recipe.on(Layer.APPROVAL)),), case)

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
