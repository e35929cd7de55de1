"""What a run has so far: its rounds on the record, the best of them, and what may become of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from jupyter_loops.core.budget import Usage
from jupyter_loops.core.candidate import Candidate, Delivery
from jupyter_loops.core.events import Decided, Proposed, RunEnded
from jupyter_loops.core.forecast import Forecast
from jupyter_loops.core.ports import Verifier
from jupyter_loops.core.recipe import Recipe
from jupyter_loops.core.termination import Termination

from .final_answer_reserve import FinalAnswerReserve
from .forecaster import Forecaster
from .request_tuning import RequestTuning
from .run_context import RunContext
from .run_state import Iteration, RunState


@dataclass(slots=True, kw_only=True)
class IterationLog:
    """Takes each round in, and says what came of it."""

    recipe: Recipe
    verifier: Verifier
    pace: RunContext
    tuning: RequestTuning
    landing: FinalAnswerReserve
    forecaster: Forecaster = field(default_factory=Forecaster)
    standing: RunState = field(default_factory=RunState)
    turn: Iteration | None = None  # the round under way

    @property
    def delivery(self) -> Delivery | None:
        """The values of the best candidate, or None when no candidate is acceptable."""
        return self.standing.best.delivery if self.standing.best else None

    def forecast(self) -> Forecast | None:
        """What may become of the run from here; None where nothing can verify."""
        return self._forecast(self.pace.ledger.usage)

    def _forecast(self, usage: Usage) -> Forecast | None:
        if not self.recipe.asserts:
            return None
        ledger = self.pace.ledger
        return self.forecaster.after(usage, ledger.budget, priced=ledger.price is not None)

    def propose(self, turn: Iteration, candidate: Candidate) -> None:
        """Put the round's candidate on the record, with the step that takes it up."""
        turn.candidate, turn.digest = candidate, self.verifier.digest(candidate)
        self.pace.recorder.with_next(
            Proposed(
                iteration=turn.iteration, candidate_kind=candidate.kind.value, text=candidate.text, digest=turn.digest
            )
        )

    def conclude(self, turn: Iteration) -> None:
        """Put a round on the record."""
        turn.why = turn.why or self.verifier.why(turn.verdicts, turn.observation)
        turn.feedback = turn.feedback or self.verifier.feedback(turn.verdicts, turn.observation)
        reached = max(self.standing.best_key[0], 0.0)
        progress, score = self.verifier.progress(self.recipe, turn.verdicts), turn.score(self.recipe)
        best = self.standing.add(turn, progress, score)
        if turn.iteration:
            self.pace.ledger.count_iteration()
        usage = self.pace.ledger.usage
        spent = usage - turn.before
        self.tuning.measure(progress - reached, spent)
        self.landing.round_over(spent.seconds)
        forecast = None if turn.verified(self.recipe) or not turn.iteration else self._forecast(usage)
        self.pace.recorder.say(
            Decided(
                iteration=turn.iteration,
                passed=turn.passed(),
                total=len(self.recipe.checks),
                progress=progress,
                score=score,
                best=best,
                why=turn.why,
                error=turn.error,
                feedback=list(turn.feedback),
                phases=[(state.value, round(seconds, 6)) for state, seconds in self.pace.machine.phases],
                usage={"usd": spent.usd, "tokens": spent.tokens, "seconds": spent.seconds},
                forecast=forecast.to_json() if forecast else {},
            )
        )
        self.turn = None

    def cut_short(self, why: str, fault: str = "") -> None:
        """Keep the round that was under way."""
        self.pace.steer()
        if self.turn is not None:
            self.turn.fault = fault
            self.turn.why = f"{why}, in {self.pace.machine.state}"
            self.conclude(self.turn)

    def close(self, end: Termination) -> Termination:
        """Put the run's end on the record; its time is over."""
        self.pace.ledger.watch.stop()
        usage, best = self.pace.ledger.usage, self.standing.best
        self.pace.recorder.say(
            RunEnded(
                reason=end.reason,
                message=end.message,
                usage=asdict(usage),
                iterations=usage.iterations,
                best=best.iteration if best else None,
                delivered=self.delivery.values if self.delivery else {},
            )
        )
        return end
