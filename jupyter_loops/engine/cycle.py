"""The cycle: plan, execute, verify, decide, until the checks pass or a limit is reached.

        ┌───────────── refine ─────────────┐
        ▼                                  │
PREPARE → PLAN → EXECUTE → OBSERVE → VERIFY → DECIDE → END
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from jupyter_loops.core.candidate import Candidate, Delivery
from jupyter_loops.core.events import Judged
from jupyter_loops.core.memory import Memory
from jupyter_loops.core.message import Completion
from jupyter_loops.core.ports import Case, Model, Planner, Readiness, Sandbox, Verifier, World
from jupyter_loops.core.recipe import Recipe
from jupyter_loops.core.state import State
from jupyter_loops.core.termination import StopReason, Termination
from jupyter_loops.errors import BudgetError, ErrorClass, LoopError, ReplyError

from .candidate_trial import CandidateTrial
from .decision import Decision
from .final_answer_reserve import FinalAnswerReserve
from .iteration_log import IterationLog
from .model_caller import ModelCaller
from .questions import Questions
from .recovery import class_of, reason
from .request_tuning import RequestTuning
from .restored_state import RestoredState
from .run_context import RunContext
from .run_nesting import CURRENT, RunNesting
from .run_preparation import RunPreparation
from .run_state import Iteration, RunState
from .tools import Tools
from .watchdog import Watchdog

AGAIN = 2  # times that a round asks anew where an answer repeats what was tried
_REPEATED = "your answer was the same as an earlier one that failed: answer with something else"


@dataclass(slots=True, kw_only=True)
class Cycle:
    """One run. `run()` takes it from its start to its Termination."""

    world: World
    model: Model  # that is asked now
    sandbox: Sandbox
    planner: Planner
    verifier: Verifier
    pace: RunContext
    preparation: RunPreparation
    questions: Questions
    asking: ModelCaller
    tuning: RequestTuning
    tools: Tools
    landing: FinalAnswerReserve
    trial: CandidateTrial
    logbook: IterationLog
    decision: Decision
    names: Mapping[str, str] = field(default_factory=dict)  # one-line summaries of notebook names
    watchdog: float | None = None  # seconds without a step
    lineage: RunNesting | None = None  # among runs inside runs
    past: RestoredState | None = None  # what a resumed or forked run goes on with

    @property
    def recipe(self) -> Recipe:
        """What is pursued."""
        return self.world.recipe

    @property
    def standing(self) -> RunState:
        """The rounds so far."""
        return self.logbook.standing

    @property
    def delivery(self) -> Delivery | None:
        """The values of the best candidate, or None when no candidate is acceptable."""
        return self.logbook.delivery

    @property
    def readiness(self) -> Readiness | None:
        """What the sandbox said of the set-up; None as long as the run does not exist."""
        return self.preparation.readiness

    async def run(self) -> Termination:
        """Run to the end, and leave nothing behind. A PreflightError means that no run came to be."""
        CURRENT.set(self.lineage)
        try:
            end = await self._until_it_ends()
        finally:
            if self.lineage is not None:
                self.lineage.end()
            await asyncio.shield(self.sandbox.close())
        self.pace.machine.move(State.END, self.pace.iteration, end.reason)
        return self.logbook.close(end)

    async def _until_it_ends(self) -> Termination:
        task = asyncio.current_task()
        assert task is not None
        self.pace.control.attach(task)
        trying = self.world.limits.seconds * (2 + self.trial.repeat)
        dog = Watchdog(self.pace.machine, self.watchdog, trying, task.cancel, self.tools.patience)
        watching = asyncio.ensure_future(dog.watch())
        self.pace.ledger.watch.restart()
        try:
            end = await self.pace.within_time(self._begin())
            while end is None:
                end = self.decision.limit() or await self.pace.within_time(self._round())
        except asyncio.CancelledError:
            end = self._cancelled(dog.message)
            if end is None:
                raise
            task.uncancel()
        except TimeoutError:
            self.logbook.cut_short("out of time", ErrorClass.BUDGET)
            end = self.decision.limit() or Termination(StopReason.BUDGET_TIME, "out of time")
        except BudgetError as error:
            turn = self.logbook.turn
            spent = turn is not None and self.pace.ledger.usage.calls > turn.before.calls
            if turn is not None and (spent or turn.candidate is not None):  # a judge could not be paid
                self.logbook.cut_short("out of budget", ErrorClass.BUDGET)
            end = self.decision.refused(error)
        except LoopError as error:
            if self.readiness is None:
                raise
            self.logbook.cut_short(str(error), class_of(error))
            end = self.decision.with_best(reason(error), str(error))
        finally:
            watching.cancel()
        return end

    def _cancelled(self, barked: str) -> Termination | None:
        """The end by a person's hand, or by the watchdog; None where somebody else has cancelled the run."""
        stopping = self.pace.control.stopping
        if self.readiness is None or not (barked or stopping):
            return None
        self.logbook.cut_short(stopping or barked)
        if stopping is None:
            return self.decision.with_best(StopReason.ERROR, barked)
        return self.decision.with_best(stopping, f"{stopping} by hand")

    async def _begin(self) -> Termination | None:
        """A stored candidate is tried before a model is asked; a run of before goes on where it was."""
        try:
            with self.pace.starting():
                stored = await self.preparation.begin(afresh=self.past is None)
            if self.past is not None:
                return await self._go_on(self.past)
            if stored is None:
                return None
            end = await self._verify_again(stored)
            if end is None:
                with self.pace.starting():
                    await self.preparation.complete()
            return end
        finally:
            self.preparation.let_go()

    async def _go_on(self, past: RestoredState) -> Termination | None:
        """Take up what was: the rounds, what they cost, a person's wishes, and the round that was not finished."""
        self.logbook.standing, self.past = past.standing, None
        self.decision.ladder.restore(self.standing.rounds)
        self.pace.restore(past)
        self.asking.restore(past)
        self.tools.restore(past)
        self.questions.recall(past.said)
        if self.standing.best is not None:
            await self.trial.fetch(self.standing.best)
        return None if past.turn is None else await self._round(past.turn)

    async def _verify_again(self, candidate: Candidate) -> Termination | None:
        """Try a stored candidate of an equal recipe: round 0, which buys no token."""
        self.logbook.turn = turn = Iteration(iteration=0, before=self.pace.ledger.usage)
        self.logbook.propose(turn, candidate)
        await self.trial.run(turn, candidate)
        end = await self._decide(turn)
        if end is None:
            self.logbook.standing = RunState()
        return end

    async def _round(self, begun: Iteration | None = None) -> Termination | None:
        fresh = Iteration(iteration=len(self.standing.rounds) + 1, before=self.pace.ledger.usage)
        self.logbook.turn = turn = begun or fresh
        self.pace.iteration = turn.iteration
        await self.pace.enter(State.PLAN)
        self.pace.machine.new_round()
        if any(not verdict.passed for verdict in turn.verdicts):  # judged before the kernel died
            return await self._decide(turn)
        candidate = turn.candidate or await self._plan(turn)
        if candidate is not None:
            case = Case(recipe=self.recipe, candidate=candidate)
            worth_running, turn.verdicts = await self.verifier.before(case), case.verdicts
            if worth_running:
                await self.trial.run(turn, candidate)
            else:
                await self.pace.move(State.VERIFY, "not worth running")
                self.pace.recorder.say(Judged(iteration=turn.iteration, verdicts=turn.verdicts, seconds=0.0))
        return await self._decide(turn)

    async def _plan(self, turn: Iteration) -> Candidate | None:
        """Ask the model, and again where it repeats itself; None when its answer holds no candidate."""
        wishes = self.pace.wishes
        if wanted := wishes.pop("model", None):
            self.model = await self.tuning.switch_model(wanted, self.model, turn.iteration)
        try:
            candidate = await self._answer(turn, wishes)
        except ReplyError as error:
            turn.fault, turn.why, turn.feedback = error.kind, error.message, (error.message,)
            return None
        with contextlib.suppress(BudgetError, ReplyError):  # then it is tried as it is
            for again in range(1, AGAIN + 1):
                tried = self.standing.tried(self.verifier.digest(candidate))
                if tried is None or not self.model.varies():
                    break
                self.tuning.repeated(turn.iteration, tried)
                candidate = await self._answer(turn, wishes, again)
        self.logbook.propose(turn, candidate)
        return candidate

    async def _answer(self, turn: Iteration, wishes: dict[str, Any], again: int = 0) -> Candidate:
        """The candidate in one answer. Raises ReplyError where there is none."""
        try:
            answer = await self._ask_in_time(turn, wishes, again)
        except BudgetError as error:
            if again or not self.landing.open(error):
                raise
            answer = await self._ask(turn, wishes)
        self.landing.answered(answer)
        self.tuning.answered(answer, turn.iteration)
        cut = answer.finish_reason == "length"
        try:
            return await self.planner.read(self.recipe, answer.text, cut=cut)
        except ReplyError as error:
            if not cut:
                raise
            message = f"{error.message} (the answer was cut at its length limit)"
            raise ReplyError(message, ErrorClass.TRUNCATED) from error

    async def _ask_in_time(self, turn: Iteration, wishes: dict[str, Any], again: int = 0) -> Completion:
        """Ask so that there is time for one last round. Raises BudgetError where there is not."""
        if not self.landing.seconds:
            return await self._ask(turn, wishes, again)
        if error := self.landing.out_of_time():
            raise error
        try:
            return await self.pace.within_time(self._ask(turn, wishes, again), self.landing.seconds)
        except TimeoutError:
            raise self.landing.out_of_time() or BudgetError("seconds", self.landing.seconds, 0.0) from None

    async def _ask(self, turn: Iteration, wishes: dict[str, Any], again: int = 0) -> Completion:
        memory = self._memory(turn.iteration)
        if again:  # shown its attempts, a model that repeats itself repeats them
            memory = replace(memory.fresh(), again=again, notes=(*memory.notes, _REPEATED))
        question = self.tuning.question(memory, self.planner.sampling, self.model, wishes)
        self.model = self.tuning.model(question.approach, self.model)
        return await self.tools.ask(
            lambda model, window: self.planner.prompt(self.recipe, question.memory, window, model.carried()),
            question.sampling,
            turn.iteration,
            question.purpose,
        )

    async def _decide(self, turn: Iteration) -> Termination | None:
        await self.pace.enter(State.DECIDE)
        self.logbook.conclude(turn)
        self.pace.control.round_over()
        return self.decision.after(turn)

    def _memory(self, iteration: int) -> Memory:
        last, best, beaten = self.standing.last, self.standing.best, self.standing.beaten
        return Memory(
            iteration=iteration,
            best=best.candidate if best else None,
            last=last.candidate if last else None,
            beaten=beaten.candidate if beaten else None,
            scores=self.standing.scores(self.recipe),
            best_score=self.standing.best_score(self.recipe),
            failures=last.feedback if last else (),
            rejected=tuple(self.standing.rejected),
            hints=tuple(self.pace.hints),
            left=self.landing.told(),
            stuck=self.standing.since_best,
            names=self.names,
            schemas=self.readiness.schemas if self.readiness else {},
        )
