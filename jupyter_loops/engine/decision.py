"""DECIDE: whether a run goes on after a round, or how it ends."""

from __future__ import annotations

from dataclasses import dataclass, replace

from jupyter_loops.core.condition import Condition
from jupyter_loops.core.forecast import StopIf
from jupyter_loops.core.recipe import Recipe
from jupyter_loops.core.termination import StopReason, Termination
from jupyter_loops.errors import BudgetError

from . import endings
from .final_answer_reserve import FinalAnswerReserve
from .iteration_log import IterationLog
from .ledger import Ledger
from .nudge_ladder import NudgeLadder
from .run_state import Iteration


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Every reason to end, in the order in which they count."""

    recipe: Recipe
    ledger: Ledger
    log: IterationLog
    ladder: NudgeLadder
    final_answer: FinalAnswerReserve
    until: Condition | None = None  # what else ends the run
    stop_if: StopIf | None = None  # a rule over the forecast that ends it

    def limit(self) -> Termination | None:
        """The end when a limit of this run or of a surrounding loop is reached."""
        reached = self.ledger.exhausted()
        if reached is None:
            return None
        limit, account = reached
        scope = "" if account is self.ledger.account else account.scope
        return endings.limit_reached(limit, account, scope, self.recipe, self.log.state)

    def after(self, iteration: Iteration) -> Termination | None:
        """The end after a finished round, if there is one."""
        if iteration.verified(self.recipe) and not self.recipe.scores:
            how = f"in round {iteration.number}" if iteration.number else "by a stored candidate, 0 tokens"
            return Termination(
                StopReason.VERIFIED, f"{iteration.passed()} of {len(self.recipe.checks)} checks passed {how}"
            )
        if self.final_answer.refused is not None:
            return self.refused(self.final_answer.refused)
        return self._condition() or self._hopeless() or self._stuck()

    def refused(self, error: BudgetError) -> Termination:
        """The end when the next call could break a limit."""
        return endings.does_not_fit(error, self.recipe, self.log.state)

    def with_best(self, reason: StopReason, message: str) -> Termination:
        """An end whose message names the best candidate."""
        return Termination(reason, f"{message}; {endings.best(self.recipe, self.log.state)}")

    def _condition(self) -> Termination | None:
        """The end that the run's own conditions ask for."""
        if self.until is None:
            return None
        return self._naming_best(self.until.fired(self.log.state.position(self.recipe, self.ledger.usage)))

    def _hopeless(self) -> Termination | None:
        """The end that a rule over the forecast asks for."""
        forecast = self.log.forecaster.latest
        if forecast is None or self.stop_if is None or not forecast.round or not self.stop_if.holds(forecast):
            return None
        numbers = f"p = {forecast.p:.2g} by round {forecast.by_round}, {forecast.next_p:.2g} in the next"
        return self.with_best(StopReason.FORECAST, f"--stop-if {self.stop_if.text}: {numbers}")

    def _stuck(self) -> Termination | None:
        """The next step up the ladder of a run that gets nowhere; the end when it is the last."""
        state = self.log.state
        return self._naming_best(self.ladder.take(state.rounds[-1], better=not state.since_best))

    def _naming_best(self, end: Termination | None) -> Termination | None:
        return end and replace(end, message=self.with_best(end.reason, end.message).message)
