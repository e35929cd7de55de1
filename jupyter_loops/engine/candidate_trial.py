"""One candidate, tried: executed, examined, and examined again in fresh processes before it is delivered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from jupyter_loops.core.candidate import Candidate, Exit, Layer, Observation, Verdict
from jupyter_loops.core.events import CandidateExecuted, ChecksEvaluated
from jupyter_loops.core.ports import Attempt, Case, Sandbox, Verifier
from jupyter_loops.core.recipe import Recipe
from jupyter_loops.core.state import State
from jupyter_loops.errors import ErrorClass, SandboxError

from .questions import NeedsPerson, Questions
from .recovery import POLICIES
from .run_context import RunContext
from .run_state import Iteration

_FLAKY = "flaky: it passed before"


@dataclass(frozen=True, slots=True)
class CandidateTrial:
    """EXECUTE → OBSERVE → VERIFY for the candidates of one recipe."""

    recipe: Recipe
    sandbox: Sandbox
    verifier: Verifier
    context: RunContext
    questions: Questions
    repeat: int = 1  # passes in fresh children before a candidate is delivered

    async def run(self, iteration: Iteration, candidate: Candidate) -> None:
        """Fill in the iteration's observation, verdicts and delivery; once more where the child itself broke."""
        tries, note, still = POLICIES[ErrorClass.SANDBOX].retries, "", iteration.verdicts
        while True:
            try:
                await self._once(iteration, candidate, note)
            except SandboxError as error:
                if not tries:
                    raise
                tries -= 1
                iteration.verdicts, iteration.delivery, note = still, None, f"once more, in a new child: {error}"
            else:
                return

    async def _once(self, iteration: Iteration, candidate: Candidate, note: str) -> None:
        await self.context.move(State.EXECUTE, note)
        async with self.sandbox.attempt(candidate) as attempt:
            iteration.observation = await attempt.execute()
            await self.context.enter(State.OBSERVE)
            self.context.recorder.with_next(
                CandidateExecuted(iteration=iteration.number, observation=iteration.observation)
            )
            await self.context.move(State.VERIFY)
            before = self.context.ledger.watch.seconds
            case = self._case(iteration, candidate, attempt)
            passed = await self.verifier.after(case)
            if passed and not self.recipe.hidden:
                passed = await self.verifier.judged(case)
        if passed and self.recipe.hidden and self.recipe.on(Layer.JUDGE):
            passed = await self._judge(iteration, candidate)
        if passed and iteration.awaits_person(self.recipe):
            await self._confirm_in_fresh_process(iteration, candidate)
        seconds = self.context.ledger.watch.seconds - before
        self.context.recorder.with_next(
            ChecksEvaluated(iteration=iteration.number, verdicts=iteration.verdicts, seconds=seconds)
        )

    async def fetch(self, iteration: Iteration) -> None:
        """Get the values of a candidate that was accepted before, if the checks still accept it."""
        if iteration.candidate is not None and iteration.acceptable(self.recipe):
            await self._confirm_in_fresh_process(iteration, iteration.candidate)

    async def _judge(self, iteration: Iteration, candidate: Candidate) -> bool:
        """Whether the judge accepts, in a child where no hidden check has run: its words reach the next prompt."""
        async with self.sandbox.attempt(candidate) as attempt:
            observation = await attempt.execute()
            if observation.exit is Exit.OK:
                return await self.verifier.judged(self._case(iteration, candidate, attempt))
        self._unstable(iteration, (), 1)
        return False

    def _case(self, iteration: Iteration, candidate: Candidate, attempt: Attempt) -> Case:
        """What the layers see. Verdicts go to the iteration at once, so those from before a fault remain."""
        iteration.verdicts = [*iteration.verdicts]
        return Case(
            recipe=self.recipe,
            candidate=candidate,
            verdicts=iteration.verdicts,
            attempt=attempt,
            observation=iteration.observation,
            answering=self.questions.answering(iteration.number, candidate),
            observed=partial(self._observe, iteration),
        )

    def _observe(self, iteration: Iteration, observation: Observation) -> None:
        before = iteration.observation.files if iteration.observation else ()
        if observation.exit is not Exit.OK or observation.stdout or observation.stderr:
            iteration.observation = observation
        elif not observation.figures and observation.files == before:
            return
        self.context.recorder.say(CandidateExecuted(iteration=iteration.number, observation=observation))

    async def _confirm_in_fresh_process(self, iteration: Iteration, candidate: Candidate) -> None:
        """Examine once more in a fresh child, and fetch the values there: what is bound is what passed.

        A person is asked last, about what has proved stable; no child is kept while they think.
        """
        for rerun in range(1, self.repeat):
            if not await self._passes_rerun(iteration, candidate, rerun):
                return
        while True:
            try:
                await self._examine_for_delivery(iteration, candidate)
            except NeedsPerson as asked:
                await self.questions.put_to_person(asked.question, iteration.number, candidate)
            else:
                return

    async def _passes_rerun(self, iteration: Iteration, candidate: Candidate, number: int) -> bool:
        """Whether all that needs no person passes in one more fresh child."""
        async with self.sandbox.attempt(candidate) as attempt:
            observation, verdicts = await attempt.execute(), list[Verdict]()
            if observation.exit is Exit.OK:
                answering = self.questions.answering(iteration.number, candidate)
                verdicts, observation = await attempt.examine(self.recipe.without_person, answering)
        if observation.exit is Exit.OK and all(verdict.passed for verdict in verdicts):
            return True
        self._unstable(iteration, verdicts, number)
        return False

    async def _examine_for_delivery(self, iteration: Iteration, candidate: Candidate) -> None:
        async with self.sandbox.attempt(candidate) as attempt:
            observation = await attempt.execute()
            verdicts: Sequence[Verdict] = []
            if observation.exit is Exit.OK:
                answering = self.questions.answering(iteration.number, candidate)
                verdicts, observation = await attempt.examine(self.recipe.without_person, answering)
            if observation.exit is not Exit.OK or not all(verdict.passed for verdict in verdicts):
                self._unstable(iteration, verdicts, self.repeat)
                return
            if await self.verifier.approval(self._case(iteration, candidate, attempt)) and iteration.acceptable(
                self.recipe
            ):
                iteration.delivery = await attempt.deliver()

    def _unstable(self, iteration: Iteration, rerun: Sequence[Verdict], number: int) -> None:
        """Record which check is flaky: it passed, then failed in a fresh child."""
        before = {verdict.index: verdict for verdict in iteration.verdicts}
        flaky = {
            verdict.index: self._flaky(verdict, before.get(verdict.index)) for verdict in rerun if not verdict.passed
        }
        names = ", ".join(verdict.check for verdict in flaky.values() if not verdict.hidden) or "the candidate"
        which = f"re-run {number} of {self.repeat}"
        iteration.why = f"flaky: {names[:120]} passed, then failed in a fresh child ({which}): the result is not stable"
        stable = [verdict for verdict in iteration.verdicts if verdict.index not in flaky or not verdict.index]
        if not rerun:
            stable = [replace(verdict, passed=False) for verdict in stable]
        iteration.verdicts = [*stable, *flaky.values()]

    def _flaky(self, verdict: Verdict, before: Verdict | None) -> Verdict:
        """The verdict of a check that passed before and fails now.

        Where there are hidden checks it says only that: the candidate has met them by now, and its words may tell of
        them.
        """
        if verdict.hidden or not self.recipe.hidden:
            return replace(verdict, message=f"{_FLAKY}; {verdict.message}")
        before = before or Verdict(check=verdict.check, layer=verdict.layer, passed=False, index=verdict.index)
        return replace(before, passed=False, message=_FLAKY)
