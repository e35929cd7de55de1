"""One candidate, tried: executed, examined, and examined again before it is crowned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from jupyter_loops.core.candidate import Candidate, Exit, Layer, Observation, Verdict
from jupyter_loops.core.events import Acted, Judged
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
    pace: RunContext
    questions: Questions
    repeat: int = 1  # passes in fresh children before a candidate is crowned

    async def run(self, turn: Iteration, candidate: Candidate) -> None:
        """Fill in the turn's observation, verdicts and delivery; once more where the child itself broke."""
        tries, note, still = POLICIES[ErrorClass.SANDBOX].retries, "", turn.verdicts
        while True:
            try:
                await self._once(turn, candidate, note)
            except SandboxError as error:
                if not tries:
                    raise
                tries -= 1
                turn.verdicts, turn.delivery, note = still, None, f"once more, in a new child: {error}"
            else:
                return

    async def _once(self, turn: Iteration, candidate: Candidate, note: str) -> None:
        await self.pace.move(State.EXECUTE, note)
        async with self.sandbox.attempt(candidate) as attempt:
            turn.observation = await attempt.execute()
            await self.pace.enter(State.OBSERVE)
            self.pace.recorder.with_next(Acted(iteration=turn.iteration, observation=turn.observation))
            await self.pace.move(State.VERIFY)
            before = self.pace.ledger.watch.seconds
            case = self._case(turn, candidate, attempt)
            passed = await self.verifier.after(case)
            if passed and not self.recipe.hidden:
                passed = await self.verifier.judged(case)
        if passed and self.recipe.hidden and self.recipe.on(Layer.JUDGE):
            passed = await self._judge(turn, candidate)
        if passed and turn.awaits_person(self.recipe):
            await self._confirm_in_fresh_process(turn, candidate)
        seconds = self.pace.ledger.watch.seconds - before
        self.pace.recorder.with_next(Judged(iteration=turn.iteration, verdicts=turn.verdicts, seconds=seconds))

    async def fetch(self, turn: Iteration) -> None:
        """Get the values of a candidate that was accepted before, as far as this world still accepts it."""
        if turn.candidate is not None and turn.acceptable(self.recipe):
            await self._confirm_in_fresh_process(turn, turn.candidate)

    async def _judge(self, turn: Iteration, candidate: Candidate) -> bool:
        """What a judge says, of a child in which no hidden check has run: a judge's words reach the next prompt."""
        async with self.sandbox.attempt(candidate) as attempt:
            observation = await attempt.execute()
            if observation.exit is Exit.OK:
                return await self.verifier.judged(self._case(turn, candidate, attempt))
        self._unstable(turn, (), 1)
        return False

    def _case(self, turn: Iteration, candidate: Candidate, attempt: Attempt) -> Case:
        """What the layers see. Their verdicts are the turn's at once: what was judged before a fault is kept."""
        turn.verdicts = [*turn.verdicts]
        return Case(
            recipe=self.recipe,
            candidate=candidate,
            verdicts=turn.verdicts,
            attempt=attempt,
            observation=turn.observation,
            answering=self.questions.answering(turn.iteration, candidate),
            observed=partial(self._observe, turn),
        )

    def _observe(self, turn: Iteration, observation: Observation) -> None:
        before = turn.observation.files if turn.observation else ()
        if observation.exit is not Exit.OK or observation.stdout or observation.stderr:
            turn.observation = observation
        elif not observation.figures and observation.files == before:
            return
        self.pace.recorder.say(Acted(iteration=turn.iteration, observation=observation))

    async def _confirm_in_fresh_process(self, turn: Iteration, candidate: Candidate) -> None:
        """Examine once more in a fresh child, and fetch the values there: what is bound is what passed.

        A person is asked last, about what has proved stable; no child is kept while they think.
        """
        for time in range(1, self.repeat):
            if not await self._passes_again(turn, candidate, time):
                return
        while True:
            try:
                await self._examine_again(turn, candidate)
            except NeedsPerson as asked:
                await self.questions.put_to_person(asked.question, turn.iteration, candidate)
            else:
                return

    async def _passes_again(self, turn: Iteration, candidate: Candidate, time: int) -> bool:
        """Whether all that needs no person passes in one more fresh child."""
        async with self.sandbox.attempt(candidate) as attempt:
            observation, again = await attempt.execute(), list[Verdict]()
            if observation.exit is Exit.OK:
                answering = self.questions.answering(turn.iteration, candidate)
                again, observation = await attempt.examine(self.recipe.without_person, answering)
        if observation.exit is Exit.OK and all(verdict.passed for verdict in again):
            return True
        self._unstable(turn, again, time)
        return False

    async def _examine_again(self, turn: Iteration, candidate: Candidate) -> None:
        async with self.sandbox.attempt(candidate) as attempt:
            observation = await attempt.execute()
            again: Sequence[Verdict] = []
            if observation.exit is Exit.OK:
                answering = self.questions.answering(turn.iteration, candidate)
                again, observation = await attempt.examine(self.recipe.without_person, answering)
            if observation.exit is not Exit.OK or not all(verdict.passed for verdict in again):
                self._unstable(turn, again, self.repeat)
                return
            if await self.verifier.approval(self._case(turn, candidate, attempt)) and turn.acceptable(self.recipe):
                turn.delivery = await attempt.deliver()

    def _unstable(self, turn: Iteration, again: Sequence[Verdict], time: int) -> None:
        """Say which check is flaky: it passed, and failed in a fresh child."""
        before = {verdict.index: verdict for verdict in turn.verdicts}
        flaky = {
            verdict.index: self._flaky(verdict, before.get(verdict.index)) for verdict in again if not verdict.passed
        }
        names = ", ".join(verdict.check for verdict in flaky.values() if not verdict.hidden) or "the candidate"
        which = f"re-run {time} of {self.repeat}"
        turn.why = f"flaky: {names[:120]} passed, then failed in a fresh child ({which}): the result is not stable"
        kept = [verdict for verdict in turn.verdicts if verdict.index not in flaky or not verdict.index]
        turn.verdicts = [*(kept if again else [replace(each, passed=False) for each in kept]), *flaky.values()]

    def _flaky(self, again: Verdict, before: Verdict | None) -> Verdict:
        """What to say of a check that passed before.

        Where there are hidden checks, only that: the candidate has met them by now, and its words may tell of them.
        """
        if again.hidden or not self.recipe.hidden:
            return replace(again, message=f"{_FLAKY}; {again.message}")
        before = before or Verdict(check=again.check, layer=again.layer, passed=False, index=again.index)
        return replace(before, passed=False, message=_FLAKY)
