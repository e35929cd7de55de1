"""One candidate, tried: executed, examined, and examined again before it is crowned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from jupyter_loops.core.candidate import Candidate, Exit, Layer, Observation, Verdict
from jupyter_loops.core.events import Acted, Judged
from jupyter_loops.core.ports import Attempt, Sandbox
from jupyter_loops.core.recipe import Recipe
from jupyter_loops.core.state import State
from jupyter_loops.errors import ErrorClass, SandboxError

from .pace import Pace
from .questions import NeedsPerson, Questions
from .recovery import POLICIES
from .standing import Turn


@dataclass(frozen=True, slots=True)
class Trial:
    """EXECUTE → OBSERVE → VERIFY for the candidates of one recipe."""

    recipe: Recipe
    sandbox: Sandbox
    pace: Pace
    questions: Questions

    async def run(self, turn: Turn, candidate: Candidate) -> None:
        """Fill in the turn's observation, verdicts and delivery; once more where the child itself broke."""
        tries, note = POLICIES[ErrorClass.SANDBOX].retries, ""
        while True:
            try:
                await self._once(turn, candidate, note)
            except SandboxError as error:
                if not tries:
                    raise
                tries -= 1
                turn.verdicts, turn.delivery, note = [], None, f"once more, in a new child: {error}"
            else:
                return

    async def _once(self, turn: Turn, candidate: Candidate, note: str) -> None:
        await self.pace.move(State.EXECUTE, note)
        async with self.sandbox.attempt(candidate) as attempt:
            turn.observation = await attempt.execute()
            await self.pace.move(State.OBSERVE)
            self.pace.recorder.say(Acted(iteration=turn.iteration, observation=turn.observation))
            await self.pace.move(State.VERIFY)
            if turn.observation.exit is not Exit.OK:
                return
            before = self.pace.ledger.watch.seconds
            await self._verify(turn, candidate, attempt)
        if turn.awaits_person(self.recipe):
            await self._crown(turn, candidate)
        seconds = self.pace.ledger.watch.seconds - before
        self.pace.recorder.say(Judged(iteration=turn.iteration, verdicts=turn.verdicts, seconds=seconds))

    async def fetch(self, turn: Turn) -> None:
        """Get the values of a candidate that was accepted before, as far as this world still accepts it."""
        if turn.candidate is not None and turn.acceptable(self.recipe):
            await self._crown(turn, turn.candidate)

    async def _verify(self, turn: Turn, candidate: Candidate, attempt: Attempt) -> None:
        """Visible checks, then hidden ones, then those that a judge has a say in, one by one: they cost money."""
        judged = [[check] for check in self.recipe.on(Layer.JUDGE)]
        for checks in (self.recipe.on(Layer.CHECKS), self.recipe.on(Layer.HIDDEN), *judged):
            if not checks:
                continue
            verdicts, observation = await attempt.examine(checks, self.questions.answering(turn.iteration, candidate))
            turn.verdicts = [*turn.verdicts, *verdicts]
            self._observe(turn, observation)
            if not all(verdict.passed for verdict in turn.verdicts):
                return

    def _observe(self, turn: Turn, observation: Observation) -> None:
        if observation.exit is not Exit.OK or observation.stdout or observation.stderr:
            turn.observation = observation
            self.pace.recorder.say(Acted(iteration=turn.iteration, observation=observation))

    async def _crown(self, turn: Turn, candidate: Candidate) -> None:
        """Examine once more in a fresh child, and fetch the values there: what is bound is what passed.

        A person is asked last, about what has proved stable; no child is kept while they think.
        """
        while True:
            try:
                await self._examine_again(turn, candidate)
            except NeedsPerson as asked:
                await self.questions.put_to_person(asked.question, turn.iteration)
            else:
                return

    async def _examine_again(self, turn: Turn, candidate: Candidate) -> None:
        approvals = self.recipe.on(Layer.APPROVAL)
        settled = [check for check in self.recipe.checks if check not in approvals]
        answering = self.questions.answering(turn.iteration, candidate)
        async with self.sandbox.attempt(candidate) as attempt:
            observation = await attempt.execute()
            again: Sequence[Verdict] = []
            if observation.exit is Exit.OK:
                again, observation = await attempt.examine(settled, answering)
            if observation.exit is not Exit.OK or not all(verdict.passed for verdict in again):
                self._unstable(turn, again)
                return
            if approvals:
                asked, observation = await attempt.examine(approvals, answering)
                turn.verdicts = [*turn.verdicts, *asked]
                self._observe(turn, observation)
            if observation.exit is Exit.OK and turn.acceptable(self.recipe):
                turn.delivery = await attempt.deliver()

    def _unstable(self, turn: Turn, again: Sequence[Verdict]) -> None:
        turn.why = "passed once, then failed when examined again: the result is not stable"
        failed = {verdict.index: verdict for verdict in again if not verdict.passed}
        turn.verdicts = [
            failed.get(verdict.index, verdict if again else replace(verdict, passed=False)) for verdict in turn.verdicts
        ]
