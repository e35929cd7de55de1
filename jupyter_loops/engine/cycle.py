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
from jupyter_loops.core.events import ChecksEvaluated
from jupyter_loops.core.memory import Memory
from jupyter_loops.core.message import Completion, Prompt
from jupyter_loops.core.ports import Case, Model, Planner, Readiness, Sandbox, Verifier, World
from jupyter_loops.core.recipe import Recipe
from jupyter_loops.core.state import State
from jupyter_loops.core.termination import StopReason, Termination
from jupyter_loops.errors import BudgetError, EditError, ErrorClass, LoopError, ReplyError

from .candidate_trial import CandidateTrial
from .decision import Decision
from .final_answer_reserve import FinalAnswerReserve
from .iteration_log import IterationLog
from .limit_question import LimitQuestion
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

MOST_REPEATS = 2  # times that a round asks anew where an answer repeats what was tried
_REPEATED = "your answer was the same as an earlier one that failed: answer with something else"


@dataclass(slots=True, kw_only=True)
class Cycle:
    """One run. `run()` takes it from its start to its Termination."""

    world: World
    model: Model  # that is asked now
    sandbox: Sandbox
    planner: Planner
    verifier: Verifier
    context: RunContext
    preparation: RunPreparation
    questions: Questions
    caller: ModelCaller
    tuning: RequestTuning
    tools: Tools
    final_answer: FinalAnswerReserve
    trial: CandidateTrial
    log: IterationLog
    decision: Decision
    limit_question: LimitQuestion
    names: Mapping[str, str] = field(default_factory=dict)  # one-line summaries of notebook names
    watchdog: float | None = None  # seconds without a step
    lineage: RunNesting | None = None  # among runs inside runs
    restored: RestoredState | None = None  # what a resumed or forked run goes on with

    @property
    def recipe(self) -> Recipe:
        """What is pursued."""
        return self.world.recipe

    @property
    def state(self) -> RunState:
        """The rounds so far."""
        return self.log.state

    @property
    def delivery(self) -> Delivery | None:
        """The values of the best candidate, or None when no candidate is acceptable."""
        return self.log.delivery

    @property
    def readiness(self) -> Readiness | None:
        """What the sandbox reported about the set-up; None before the run exists."""
        return self.preparation.readiness

    async def run(self) -> Termination:
        """Run to the end, and clean up. A PreflightError means that the run never started."""
        CURRENT.set(self.lineage)
        try:
            end = await self._until_it_ends()
        finally:
            if self.lineage is not None:
                self.lineage.end()
            await asyncio.shield(self.sandbox.close())
        self.context.machine.move(State.END, self.context.iteration, end.reason)
        return self.log.close(end)

    async def _until_it_ends(self) -> Termination:
        task = asyncio.current_task()
        assert task is not None
        self.context.control.attach(task)
        trial_seconds = self.world.limits.seconds * (2 + self.trial.repeat)
        guard = Watchdog(self.context.machine, self.watchdog, trial_seconds, task.cancel, self.tools.patience)
        watching = asyncio.ensure_future(guard.watch())
        self.context.ledger.watch.restart()
        try:
            end = await self.context.within_time(self._begin())
            while end is None:
                end = self.decision.limit() or await self.context.within_time(self._round())
        except asyncio.CancelledError:
            end = self._cancelled(guard.message)
            if end is None:
                raise
            task.uncancel()
        except TimeoutError:
            self.log.cut_short("out of time", ErrorClass.BUDGET)
            end = self.decision.limit() or Termination(StopReason.BUDGET_TIME, "out of time")
        except BudgetError as error:
            iteration = self.log.current
            spent = iteration is not None and self.context.ledger.usage.calls > iteration.before.calls
            if iteration is not None and (spent or iteration.candidate is not None):  # a judge could not be paid
                self.log.cut_short("out of budget", ErrorClass.BUDGET)
            end = self.decision.refused(error)
        except LoopError as error:
            if self.readiness is None:
                raise
            self.log.cut_short(str(error), class_of(error))
            end = self.decision.with_best(reason(error), str(error))
        finally:
            watching.cancel()
        return end

    def _cancelled(self, watchdog_message: str) -> Termination | None:
        """The end when a person or the watchdog has stopped the run; None when something else has cancelled it."""
        stopping = self.context.control.stopping
        if self.readiness is None or not (watchdog_message or stopping):
            return None
        self.log.cut_short(stopping or watchdog_message)
        if stopping is None:
            return self.decision.with_best(StopReason.ERROR, watchdog_message)
        return self.decision.with_best(stopping, f"{stopping} by hand")

    async def _begin(self) -> Termination | None:
        """Try stored candidates before asking a model, or resume an earlier run where it stopped."""
        try:
            with self.context.starting():
                stored = await self.preparation.begin(afresh=self.restored is None)
            if self.restored is not None:
                return await self._go_on(self.restored)
            if not stored:
                return None
            end = None
            for candidate in stored:
                end = end or await self._verify_stored(candidate)
            if end is None:
                with self.context.starting():
                    await self.preparation.complete()
            return end
        finally:
            self.preparation.let_go()

    async def _go_on(self, restored: RestoredState) -> Termination | None:
        """Restore the rounds, their cost and a person's wishes, then go on with the unfinished round."""
        self.log.state, self.restored = restored.run_state, None
        self.decision.ladder.restore(self.state.rounds)
        self.context.restore(restored)
        self.caller.restore(restored)
        self.tools.restore(restored)
        self.questions.recall(restored.host_answers)
        if self.state.best is not None:
            await self.trial.fetch(self.state.best)
        return None if restored.unfinished is None else await self._round(restored.unfinished)

    async def _verify_stored(self, candidate: Candidate) -> Termination | None:
        """Try a stored candidate, of an equal recipe or signature: round 0, which costs no token."""
        self.log.current = iteration = Iteration(number=0, before=self.context.ledger.usage)
        self.log.propose(iteration, candidate)
        await self.trial.run(iteration, candidate)
        end = await self._decide(iteration)
        if end is None:
            self.log.state = RunState()
        return end

    async def _round(self, unfinished: Iteration | None = None) -> Termination | None:
        fresh = Iteration(number=len(self.state.rounds) + 1, before=self.context.ledger.usage)
        self.log.current = iteration = unfinished or fresh
        self.context.iteration = iteration.number
        await self.context.enter(State.PLAN)
        self.context.machine.new_round()
        if any(not verdict.passed for verdict in iteration.verdicts):  # judged before the kernel died
            return await self._decide(iteration)
        candidate = iteration.candidate or await self._plan(iteration)
        if candidate is not None:
            case = Case(recipe=self.recipe, candidate=candidate)
            worth_running, iteration.verdicts = await self.verifier.before(case), case.verdicts
            if worth_running:
                await self.trial.run(iteration, candidate)
            else:
                await self.context.move(State.VERIFY, "not worth running")
                self.context.recorder.say(
                    ChecksEvaluated(iteration=iteration.number, verdicts=iteration.verdicts, seconds=0.0)
                )
        return await self._decide(iteration)

    async def _plan(self, iteration: Iteration) -> Candidate | None:
        """Ask the model, and again where it repeats itself; None when its answer holds no candidate."""
        wishes = self.context.wishes
        if model_name := wishes.pop("model", None):
            self.model = await self.tuning.switch_model(model_name, self.model, iteration.number)
        try:
            candidate = await self._answer(iteration, wishes)
        except ReplyError as error:
            iteration.fault, iteration.why, iteration.feedback = error.kind, error.message, (error.message,)
            return None
        with contextlib.suppress(BudgetError, ReplyError):  # then it is tried as it is
            for repeats in range(1, MOST_REPEATS + 1):
                tried = self.state.tried(self.verifier.digest(candidate))
                if tried is None or not self.model.varies():
                    break
                self.tuning.repeated(iteration.number, tried)
                candidate = await self._answer(iteration, wishes, repeats)
        self.log.propose(iteration, candidate)
        return candidate

    async def _answer(self, iteration: Iteration, wishes: dict[str, Any], repeats: int = 0) -> Candidate:
        """The candidate in an answer; asked for again where its edits do not fit. Raises ReplyError."""
        memory, refused = self._memory(iteration.number), None
        if repeats:  # shown its attempts, a model that repeats itself repeats them
            memory = replace(memory.fresh(), repeats=repeats, notes=(*memory.notes, _REPEATED))
        while True:
            try:
                return await self._one_answer(iteration, memory, wishes)
            except EditError as error:
                refused = error
                memory = replace(memory, misfits=(*memory.misfits, error.message))
                self.tuning.misfit(iteration.number, error.message, whole=not memory.attempts)
            except BudgetError:
                if refused is None:
                    raise
                raise refused from None

    async def _one_answer(self, iteration: Iteration, memory: Memory, wishes: dict[str, Any]) -> Candidate:
        """The candidate in one answer. Raises ReplyError where there is none."""
        try:
            answer = await self._ask_in_time(iteration, memory, wishes)
        except BudgetError as error:
            if memory.repeats or memory.misfits or not self.final_answer.open(error):
                raise
            memory = replace(memory, remaining_budget=self.final_answer.notice())
            answer = await self._ask(iteration, memory, wishes)
        self.final_answer.answered(answer)
        self.tuning.answered(answer, iteration.number)
        cut = answer.finish_reason == "length"
        try:
            return await self.planner.read(self.recipe, answer.text, cut=cut, attempts=memory.attempts)
        except ReplyError as error:
            if not cut:
                raise
            message = f"{error.message} (the answer was cut at its length limit)"
            raise ReplyError(message, ErrorClass.TRUNCATED) from error

    async def _ask_in_time(self, iteration: Iteration, memory: Memory, wishes: dict[str, Any]) -> Completion:
        """Ask so that there is time for a final round. Raises BudgetError when there is not."""
        if not self.final_answer.seconds:
            return await self._ask(iteration, memory, wishes)
        if error := self.final_answer.out_of_time():
            raise error
        try:
            return await self.context.within_time(self._ask(iteration, memory, wishes), self.final_answer.seconds)
        except TimeoutError:
            raise self.final_answer.out_of_time() or BudgetError("seconds", self.final_answer.seconds, 0.0) from None

    async def _ask(self, iteration: Iteration, memory: Memory, wishes: dict[str, Any]) -> Completion:
        question = self.tuning.question(memory, self.planner.sampling, self.model, wishes)
        self.model = self.tuning.model(question.approach, self.model)

        async def prompt_for(model: Model, window: int | None) -> Prompt:
            prompt = self.planner.prompt(self.recipe, question.memory, window, model.carried())
            return await self.planner.arranged(prompt, window)

        return await self.tools.ask(prompt_for, question.sampling, iteration.number, question.purpose)

    async def _decide(self, iteration: Iteration) -> Termination | None:
        await self.context.enter(State.DECIDE)
        self.log.conclude(iteration)
        self.context.control.round_over()
        end = self.decision.after(iteration)
        if end is None and self.context.control.finishing:
            return self.decision.with_best(StopReason.STOPPED, "finished by hand")
        if end is None:
            self.limit_question.after_round(self.log.forecaster.latest)
        return end

    def _memory(self, iteration: int) -> Memory:
        last, best, beaten = self.state.last, self.state.best, self.state.beaten
        return Memory(
            iteration=iteration,
            item=self.world.item,
            best=best.candidate if best else None,
            last=last.candidate if last else None,
            beaten=beaten.candidate if beaten else None,
            scores=self.state.scores(self.recipe),
            best_score=self.state.best_score(self.recipe),
            failures=last.feedback if last else (),
            only_hidden=last is not None and last.failed_only_hidden,
            rejected=tuple(self.state.rejected),
            rounds=tuple(self.state.past),
            hints=tuple(self.context.hints),
            recollection=self.preparation.recollection,
            remaining_budget=self.final_answer.notice(),
            stuck=self.state.since_best,
            names=self.names,
            schemas=self.readiness.schemas if self.readiness else {},
        )
