"""The cycle: plan, execute, verify, decide, until the checks pass or a limit is reached.

        ┌───────────── refine ─────────────┐
        ▼                                  │
PREPARE → PLAN → EXECUTE → OBSERVE → VERIFY → DECIDE → END
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol

from jupyter_loops.core.approach import Approach, Worth
from jupyter_loops.core.budget import Price
from jupyter_loops.core.candidate import Candidate, Delivery
from jupyter_loops.core.condition import Condition
from jupyter_loops.core.events import Answered, Decided, Judged, Noted, Proposed, RunEnded
from jupyter_loops.core.forecast import Forecast, Outcome, StopIf
from jupyter_loops.core.memory import Memory
from jupyter_loops.core.message import Completion
from jupyter_loops.core.ports import Model, Planner, Readiness, Sandbox, Toolbox, Verifier, World
from jupyter_loops.core.recipe import CheckKind, Recipe
from jupyter_loops.core.state import State
from jupyter_loops.core.termination import StopReason, Termination
from jupyter_loops.errors import BudgetError, ErrorClass, HistoryError, LoopError, ReplyError

from . import endings
from .asking import Asking
from .bandit import Bandit
from .breaker import Breakers
from .forecast import Forecaster
from .ladder import Ladder
from .landing import SHARE, Landing
from .lineage import CURRENT, Lineage
from .pace import Pace
from .past import Past
from .questions import Questions
from .recovery import class_of, reason
from .standing import Standing, Turn
from .tools import MOST, Tools
from .trial import Trial
from .tuning import Find, Tuning
from .watchdog import Watchdog


class Opening(Protocol):
    """How a run comes to be, once its set-up is fine."""

    async def recall(self, readiness: Readiness) -> tuple[Candidate, Sequence[Answered]] | None:
        """A candidate that was verified for an equal recipe on equal inputs, and what judges and people said of it."""
        ...

    async def outcomes(self) -> list[Outcome]:
        """How runs like this one went."""
        ...

    async def approaches(self) -> dict[Approach, Worth]:
        """What ways to ask were worth in runs of this loop."""
        ...

    def announce(self, readiness: Readiness, price: Price | None, forecast: Forecast | None) -> None:
        """Say RunStarted, or Resumed."""
        ...


@dataclass(slots=True, kw_only=True)
class Cycle:
    """One run. `run()` takes it from its start to its Termination."""

    world: World
    model: Model
    sandbox: Sandbox
    planner: Planner
    verifier: Verifier
    pace: Pace
    opening: Opening
    questions: Questions
    names: Mapping[str, str] = field(default_factory=dict)  # one-line summaries of notebook names
    patience: int | None = None
    repeat: int = 1  # passes in fresh children before a candidate is crowned
    watchdog: float | None = None  # seconds without a step
    until: Condition | None = None  # what else ends the run
    landing_share: float = SHARE  # of a limit, from which on the run comes down
    fallbacks: Sequence[Model] = ()  # asked in this order when the model cannot answer
    breakers: Breakers = field(default_factory=Breakers)
    find: Find | None = None  # a model that a person chooses while the run goes on
    lineage: Lineage | None = None  # among runs inside runs
    past: Past | None = None  # what a resumed or forked run goes on with
    escalation: Sequence[Model] = ()  # dearer models, asked when the first gets stuck
    adaptive: bool = True  # how to ask is chosen by what was measured
    fixed: frozenset[str] = frozenset()  # settings that are not to be chosen: temperature, max_tokens
    seed: int | None = None  # of those choices
    stop_if: StopIf | None = None  # a rule over the forecast that ends the run
    toolbox: Toolbox | None = None
    tool_calls: int = MOST  # in a round
    forecaster: Forecaster = field(init=False, default_factory=Forecaster)
    standing: Standing = field(init=False, default_factory=Standing)
    readiness: Readiness | None = field(init=False, default=None)  # set once the run exists
    turn: Turn | None = field(init=False, default=None)  # the round under way
    asking: Asking = field(init=False)
    tuning: Tuning = field(init=False)
    landing: Landing = field(init=False)
    trial: Trial = field(init=False)
    ladder: Ladder = field(init=False)
    tools: Tools = field(init=False)

    def __post_init__(self) -> None:
        pace = self.pace
        self.asking = Asking(
            self.model,
            pace.ledger,
            pace.recorder,
            pace.back_off,
            breakers=self.breakers,
            fallbacks=self.fallbacks,
        )
        self.ladder = Ladder(self.verifier.detector(self.patience), pace.recorder)
        self.tuning = Tuning(
            asking=self.asking,
            ledger=pace.ledger,
            recorder=pace.recorder,
            find=self.find,
            adaptive=self.adaptive,
            fixed=self.fixed,
            ladder=self.ladder,
            models=(self.model, *self.escalation),
            bandit=Bandit(self.seed),
        )
        self.questions.judging.attach(self.asking)
        self.landing = Landing(pace.ledger, self.landing_share)
        self.tools = Tools(
            box=self.toolbox,
            asking=self.asking,
            pace=pace,
            landing=self.landing,
            lineage=self.lineage,
            most=self.tool_calls,
        )
        self.trial = Trial(self.recipe, self.sandbox, self.pace, self.questions, self.repeat)

    @property
    def recipe(self) -> Recipe:
        """What is pursued."""
        return self.world.recipe

    @property
    def delivery(self) -> Delivery | None:
        """The values of the best candidate, or None when no candidate is acceptable."""
        return self.standing.best.delivery if self.standing.best else None

    async def run(self) -> Termination:
        """Run to the end, and leave nothing behind. A PreflightError means that no run came to be."""
        CURRENT.set(self.lineage)
        try:
            end = await self._until_it_ends()
        finally:
            if self.lineage is not None:
                self.lineage.end()
            await asyncio.shield(self.sandbox.close())
        return self._record(end)

    async def _until_it_ends(self) -> Termination:
        task = asyncio.current_task()
        assert task is not None
        self.pace.control.attach(task)
        trying = self.world.limits.seconds * (2 + self.repeat)
        dog = Watchdog(self.pace.machine, self.watchdog, trying, task.cancel, self.tools.patience)
        watching = asyncio.ensure_future(dog.watch())
        try:
            end = await self.pace.within_time(self._prepare())
            while end is None:
                end = self._limit() or await self.pace.within_time(self._round())
        except asyncio.CancelledError:
            why = self.pace.control.stopping
            if dog.message and why is None and self.readiness is not None:
                task.uncancel()
                self._cut_short(dog.message)
                return Termination(StopReason.ERROR, f"{dog.message}; {endings.best(self.recipe, self.standing)}")
            if why is None or self.readiness is None:
                raise
            task.uncancel()
            self._cut_short(why)
            end = Termination(why, f"{why} by hand; {endings.best(self.recipe, self.standing)}")
        except TimeoutError:
            self._cut_short("out of time", ErrorClass.BUDGET)
            end = self._limit() or Termination(StopReason.BUDGET_TIME, "out of time")
        except BudgetError as error:
            spent = self.turn is not None and self.pace.ledger.usage.calls > self.turn.before.calls
            if self.turn is not None and (spent or self.turn.candidate is not None):  # a judge could not be paid
                self._cut_short("out of budget", ErrorClass.BUDGET)
            end = endings.does_not_fit(error, self.recipe, self.standing)
        except LoopError as error:
            if self.readiness is None:
                raise
            self._cut_short(str(error), class_of(error))
            end = Termination(reason(error), f"{error}; {endings.best(self.recipe, self.standing)}")
        finally:
            watching.cancel()
        return end

    async def _prepare(self) -> Termination | None:
        """Set-up executed and model ready, both at once; a stored candidate needs no model."""
        models = asyncio.ensure_future(self._open_models())
        try:
            readiness = await self.sandbox.open(self.world)
            stored = None if self.past else await self.opening.recall(readiness)
            if stored is None:
                await self._learn()
                await models
                await self.questions.prepare()
            else:
                self.questions.recall(stored[1])
                self.pace.ledger.price = self.model.price()  # as far as it is known before the model is open
            self.opening.announce(readiness, self.pace.ledger.price, None if stored else self._forecast())
            self.readiness = readiness
            self.tools.prepare()
            for note in readiness.notes:
                self.pace.recorder.say(Noted(iteration=0, message=note))
            if self.past is not None:
                return await self._go_on(self.past)
            if stored is None:
                return None
            end = await self._verify_again(stored[0])
            if end is None:
                await self._learn()
                await models
                await self.questions.prepare()
            return end
        finally:
            models.cancel()

    async def _open_models(self) -> None:
        """All that may be asked, at once: a fallback that is not ready is none."""
        others = (*self.fallbacks, *self.escalation)
        await asyncio.gather(*(model.open() for model in (self.model, *others)))
        self.pace.ledger.quote(self.model.price(), self.model.name)
        for spare in others:
            self.pace.ledger.vet(spare.price(), spare.name)

    async def _go_on(self, past: Past) -> Termination | None:
        """Take up what was: the rounds, what they cost, a person's wishes, and the round that was not finished."""
        self.standing, self.past = past.standing, None
        self.ladder.restore(self.standing.rounds)
        self.pace.restore(past)
        self.asking.restore(past)
        self.tools.restore(past)
        self.questions.recall(past.said)
        if self.standing.best is not None:
            await self.trial.fetch(self.standing.best)
        return None if past.turn is None else await self._round(past.turn)

    async def _learn(self) -> None:
        with contextlib.suppress(HistoryError):  # without a past, the forecast is only less sure
            self.forecaster.learn(await self.opening.outcomes())
            self.tuning.bandit.learn(await self.opening.approaches())

    def _forecast(self) -> Forecast | None:
        """What may become of the run from here; None where nothing can verify."""
        ledger = self.pace.ledger
        if all(check.kind is not CheckKind.ASSERT for check in self.recipe.checks):
            return None
        return self.forecaster.after(ledger.usage, ledger.budget, priced=ledger.price is not None)

    async def _verify_again(self, candidate: Candidate) -> Termination | None:
        """Try a stored candidate of an equal recipe: round 0, which buys no token."""
        self.turn = turn = Turn(iteration=0, before=self.pace.ledger.usage)
        self._propose(turn, candidate)
        await self.trial.run(turn, candidate)
        end = await self._decide(turn)
        if end is None:
            self.standing = Standing()
        return end

    async def _round(self, begun: Turn | None = None) -> Termination | None:
        fresh = Turn(iteration=len(self.standing.rounds) + 1, before=self.pace.ledger.usage)
        self.turn = turn = begun or fresh
        self.pace.iteration = turn.iteration
        await self.pace.move(State.PLAN)
        self.pace.machine.new_round()
        if any(not verdict.passed for verdict in turn.verdicts):  # judged before the kernel died
            return await self._decide(turn)
        candidate = turn.candidate or await self._plan(turn)
        if candidate is not None:
            turn.verdicts = self.verifier.before(self.recipe, candidate)
            if all(verdict.passed for verdict in turn.verdicts):
                await self.trial.run(turn, candidate)
            else:
                await self.pace.move(State.VERIFY, "not worth running")
                self.pace.recorder.say(Judged(iteration=turn.iteration, verdicts=turn.verdicts, seconds=0.0))
        return await self._decide(turn)

    async def _plan(self, turn: Turn) -> Candidate | None:
        """Ask the model; None when its answer holds no candidate."""
        wishes = self.pace.wishes
        if wanted := wishes.pop("model", None):
            self.model = await self.tuning.turn_to(wanted, self.model, turn.iteration)
        try:
            answer = await self._ask_in_time(turn, wishes)
        except BudgetError as error:
            if not self.landing.open(error):
                raise
            answer = await self._ask(turn, wishes)
        self.landing.answered(answer)
        self.tuning.answered(answer, turn.iteration)
        try:
            candidate = self.planner.read(self.recipe, answer.text)
        except ReplyError as error:
            truncated = answer.finish_reason == "length"
            turn.fault = ErrorClass.TRUNCATED if truncated else error.kind
            turn.why = error.message + (" (the answer was cut at its length limit)" if truncated else "")
            turn.feedback = (turn.why,)
            return None
        self._propose(turn, candidate)
        return candidate

    async def _ask_in_time(self, turn: Turn, wishes: dict[str, Any]) -> Completion:
        """Ask so that there is time for one last round. Raises BudgetError where there is not."""
        if not self.landing.seconds:
            return await self._ask(turn, wishes)
        if error := self.landing.out_of_time():
            raise error
        try:
            return await self.pace.within_time(self._ask(turn, wishes), self.landing.seconds)
        except TimeoutError:
            raise self.landing.out_of_time() or BudgetError("seconds", self.landing.seconds, 0.0) from None

    async def _ask(self, turn: Turn, wishes: dict[str, Any]) -> Completion:
        memory = self._memory(turn.iteration)
        question = self.tuning.question(memory, self.planner.sampling, self.model, wishes)
        self.model = self.tuning.model(question.approach, self.model)
        return await self.tools.ask(
            lambda window: self.planner.prompt(self.recipe, question.memory, window),
            question.sampling,
            turn.iteration,
            question.purpose,
        )

    async def _decide(self, turn: Turn) -> Termination | None:
        await self.pace.move(State.DECIDE)
        self._conclude(turn)
        self.pace.control.round_over()
        if turn.verified(self.recipe) and not self.recipe.scores:
            how = f"in round {turn.iteration}" if turn.iteration else "by a stored candidate, 0 tokens"
            return Termination(StopReason.VERIFIED, f"{turn.passed()} of {len(self.recipe.checks)} checks passed {how}")
        if self.landing.refused is not None:
            return endings.does_not_fit(self.landing.refused, self.recipe, self.standing)
        return self._condition() or self._hopeless() or self._stuck()

    def _stuck(self) -> Termination | None:
        """The next step up the ladder of a run that gets nowhere; the end when it is the last."""
        end = self.ladder.take(self.standing.rounds[-1], better=not self.standing.since_best)
        return end and replace(end, message=f"{end.message}; {endings.best(self.recipe, self.standing)}")

    def _hopeless(self) -> Termination | None:
        """The end that a rule over the forecast asks for."""
        seen = self.forecaster.latest
        if seen is None or self.stop_if is None or not seen.round or not self.stop_if.holds(seen):
            return None
        told = f"p = {seen.p:.2g} by round {seen.by_round}, {seen.next_p:.2g} in the next"
        how = f"--stop-if {self.stop_if.text}: {told}; {endings.best(self.recipe, self.standing)}"
        return Termination(StopReason.FORECAST, how)

    def _condition(self) -> Termination | None:
        """The end that the run's own conditions ask for, with the best so far in its words."""
        at = self.standing.position(self.recipe, self.pace.ledger.usage)
        end = self.until.fired(at) if self.until is not None else None
        return end and replace(end, message=f"{end.message}; {endings.best(self.recipe, self.standing)}")

    def _propose(self, turn: Turn, candidate: Candidate) -> None:
        turn.candidate, turn.digest = candidate, self.verifier.digest(candidate)
        self.pace.recorder.say(
            Proposed(iteration=turn.iteration, candidate_kind=candidate.kind, text=candidate.text, digest=turn.digest)
        )

    def _conclude(self, turn: Turn) -> None:
        """Put a round on the record."""
        turn.why = turn.why or self.verifier.why(turn.verdicts, turn.observation)
        turn.feedback = turn.feedback or self.verifier.feedback(turn.verdicts, turn.observation)
        before = max(self.standing.best_key[0], 0.0)
        progress, score = self.verifier.progress(self.recipe, turn.verdicts), turn.score(self.recipe)
        best = self.standing.add(turn, progress, score)
        if turn.iteration:
            self.pace.ledger.count_iteration()
        spent = self.pace.ledger.usage - turn.before
        self.tuning.measure(progress - before, spent)
        self.landing.round_over(spent.seconds)
        forecast = None if turn.verified(self.recipe) or not turn.iteration else self._forecast()
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

    def _cut_short(self, why: str, fault: str = "") -> None:
        """Keep the round that was under way."""
        self.pace.steer()
        if self.turn is not None:
            self.turn.fault = fault
            self.turn.why = f"{why}, in {self.pace.machine.state}"
            self._conclude(self.turn)

    def _memory(self, iteration: int) -> Memory:
        last, best = self.standing.last, self.standing.best
        schemas = self.readiness.schemas if self.readiness else {}
        return Memory(
            iteration=iteration,
            best=best.candidate if best else None,
            last=last.candidate if last else None,
            failures=last.feedback if last else (),
            rejected=tuple(self.standing.rejected),
            hints=tuple(self.pace.hints),
            left=self.landing.told(),
            stuck=self.standing.since_best,
            names=dict(self.names),
            schemas={name: dict(schema) for name, schema in schemas.items()},
        )

    def _limit(self) -> Termination | None:
        reached = self.pace.ledger.exhausted()
        if reached is None:
            return None
        limit, account = reached
        scope = "" if account is self.pace.ledger.account else account.scope
        return endings.limit_reached(limit, account, scope, self.recipe, self.standing)

    def _record(self, end: Termination) -> Termination:
        usage, best = self.pace.ledger.usage, self.standing.best
        self.pace.machine.move(State.END, self.pace.iteration, end.reason)
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
