"""The log of a run: its recorded rounds, the best of them, and the forecast."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from jupyter_loops.core.budget import Usage
from jupyter_loops.core.candidate import Candidate, Delivery
from jupyter_loops.core.events import CandidateProposed, IterationFinished, RunEnded
from jupyter_loops.core.forecast import Forecast
from jupyter_loops.core.ports import Verifier
from jupyter_loops.core.recipe import Recipe
from jupyter_loops.core.termination import Termination

from .final_answer_reserve import FinalAnswerReserve
from .forecaster import Forecaster
from .request_tuning import RequestTuning
from .run_context import RunContext
from .run_state import Iteration, RunState, turned


@dataclass(slots=True, kw_only=True)
class IterationLog:
    """Adds each round to the run's state, and records its outcome."""

    recipe: Recipe
    verifier: Verifier
    context: RunContext
    tuning: RequestTuning
    final_answer: FinalAnswerReserve
    forecaster: Forecaster = field(default_factory=Forecaster)
    state: RunState = field(default_factory=RunState)
    current: Iteration | None = None  # the round under way

    @property
    def delivery(self) -> Delivery | None:
        """The values of the best candidate, or None when no candidate is acceptable."""
        return self.state.best.delivery if self.state.best else None

    def forecast(self) -> Forecast | None:
        """The forecast from here; None for a recipe that cannot be verified."""
        return self._forecast(self.context.ledger.usage)

    def _forecast(self, usage: Usage) -> Forecast | None:
        if not self.recipe.asserts:
            return None
        ledger = self.context.ledger
        return self.forecaster.after(usage, ledger.budget, priced=ledger.price is not None)

    def propose(self, iteration: Iteration, candidate: Candidate) -> None:
        """Put the round's candidate on the record, with the step that takes it up."""
        iteration.candidate, iteration.digest = candidate, self.verifier.digest(candidate)
        self.context.recorder.with_next(
            CandidateProposed(
                iteration=iteration.number,
                candidate_kind=candidate.kind.value,
                text=candidate.text,
                digest=iteration.digest,
            )
        )

    def conclude(self, iteration: Iteration) -> None:
        """Put a round on the record."""
        iteration.why = iteration.why or self._scored(iteration)
        iteration.why = iteration.why or self.verifier.why(iteration.verdicts, iteration.observation)
        iteration.feedback = iteration.feedback or self.verifier.feedback(iteration.verdicts, iteration.observation)
        reached = max(self.state.best_key[0], 0.0)
        progress, score = self.verifier.progress(self.recipe, iteration.verdicts), iteration.score(self.recipe)
        best = self.state.add(iteration, progress, turned(self.recipe, score))
        if iteration.number:
            self.context.ledger.count_iteration()
        usage = self.context.ledger.usage
        spent = usage - iteration.before
        self.tuning.measure(progress - reached, spent)
        self.final_answer.round_over(spent.seconds)
        forecast = None if iteration.verified(self.recipe) or not iteration.number else self._forecast(usage)
        self.context.recorder.say(
            IterationFinished(
                iteration=iteration.number,
                passed=iteration.passed(),
                total=len(self.recipe.checks),
                progress=progress,
                score=score,
                best=best,
                why=iteration.why,
                error=iteration.error,
                feedback=list(iteration.feedback),
                phases=[(state.value, round(seconds, 6)) for state, seconds in self.context.machine.phases],
                usage={"usd": spent.usd, "tokens": spent.tokens, "seconds": spent.seconds},
                forecast=forecast.to_json() if forecast else {},
            )
        )
        self.current = None

    def _scored(self, iteration: Iteration) -> str:
        """The score beside the best so far; empty where a check failed or there is no score."""
        score, best = iteration.score(self.recipe), self.state.best_score(self.recipe)
        if score is None or iteration.failed:
            return ""
        if best is None:
            return f"score {score:.6g}"
        better = (turned(self.recipe, score) or 0.0) > (turned(self.recipe, best) or 0.0)
        return f"score {best:.6g} → {score:.6g}" if better else f"score {score:.6g}, best {best:.6g}"

    def cut_short(self, why: str, fault: str = "") -> None:
        """Record the round that was under way."""
        self.context.steer()
        if self.current is not None:
            self.current.fault = fault
            self.current.why = f"{why}, in {self.context.machine.state}"
            self.conclude(self.current)

    def close(self, end: Termination) -> Termination:
        """Put the run's end on the record; its time is over."""
        self.context.ledger.watch.stop()
        usage, best = self.context.ledger.usage, self.state.best
        self.context.recorder.say(
            RunEnded(
                reason=end.reason,
                message=end.message,
                usage=asdict(usage),
                iterations=usage.iterations,
                best=best.number if best else None,
                delivered=self.delivery.values if self.delivery else {},
            )
        )
        return end
