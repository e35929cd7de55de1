"""One candidate, tried: executed, examined, and examined again before it is crowned."""

from __future__ import annotations

from dataclasses import dataclass, replace

from jupyter_loops.core.candidate import Candidate, Exit
from jupyter_loops.core.events import Acted, Judged
from jupyter_loops.core.ports import Attempt, Sandbox
from jupyter_loops.core.recipe import Recipe
from jupyter_loops.core.state import State
from jupyter_loops.errors import ErrorClass, SandboxError

from .pace import Pace
from .recovery import POLICIES
from .standing import Turn


@dataclass(frozen=True, slots=True)
class Trial:
    """EXECUTE → OBSERVE → VERIFY for the candidates of one recipe."""

    recipe: Recipe
    sandbox: Sandbox
    pace: Pace

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
            if turn.observation.exit is Exit.OK:
                await self._verify(turn, candidate, attempt)

    async def fetch(self, turn: Turn) -> None:
        """Get the values of a candidate that was accepted before, as far as this world still accepts it."""
        if turn.candidate is not None and turn.acceptable(self.recipe):
            await self._crown(turn, turn.candidate)

    async def _verify(self, turn: Turn, candidate: Candidate, attempt: Attempt) -> None:
        """Visible checks, then hidden ones, then all of them again in a world of their own."""
        before = self.pace.ledger.watch.seconds
        await self._examine(turn, attempt, hidden=False)
        if self.recipe.hidden and all(verdict.passed for verdict in turn.verdicts):
            await self._examine(turn, attempt, hidden=True)
        if turn.acceptable(self.recipe):
            await self._crown(turn, candidate)
        seconds = self.pace.ledger.watch.seconds - before
        self.pace.recorder.say(Judged(iteration=turn.iteration, verdicts=turn.verdicts, seconds=seconds))

    async def _examine(self, turn: Turn, attempt: Attempt, *, hidden: bool) -> None:
        verdicts, observation = await attempt.examine(self.recipe.hidden if hidden else self.recipe.visible)
        turn.verdicts = [*turn.verdicts, *verdicts]
        if observation.exit is not Exit.OK or observation.stdout or observation.stderr:
            turn.observation = observation
            self.pace.recorder.say(Acted(iteration=turn.iteration, observation=observation))

    async def _crown(self, turn: Turn, candidate: Candidate) -> None:
        """Examine once more in a fresh child, and fetch the values there: what is bound is what passed."""
        async with self.sandbox.attempt(candidate) as attempt:
            observation = await attempt.execute()
            again, last = (
                await attempt.examine(self.recipe.checks) if observation.exit is Exit.OK else ([], observation)
            )
            if last.exit is Exit.OK and all(verdict.passed for verdict in again):
                turn.delivery = await attempt.deliver()
                return
        turn.why = "passed once, then failed when examined again: the result is not stable"
        unstable = {verdict.index: verdict for verdict in again if not verdict.passed}
        turn.verdicts = [
            unstable.get(verdict.index, verdict if again else replace(verdict, passed=False))
            for verdict in turn.verdicts
        ]
