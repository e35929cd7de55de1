"""Asks the judge, as often as there are votes, on the run's own ledger."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from statistics import median

from jupyter_loops.core.host_question import HostAnswer, HostQuestion
from jupyter_loops.core.message import Prompt, Sampling
from jupyter_loops.core.ports import Judge, Model
from jupyter_loops.errors import ErrorClass, ModelError, ReplyError

from .ledger import Ledger
from .model_caller import ModelCaller
from .recovery import POLICIES

_ANSWER = 200  # tokens; a grade and one sentence


@dataclass(slots=True, kw_only=True)
class JudgeCaller:
    """A judge, its model, and how many votes decide."""

    judge: Judge
    model: Model
    ledger: Ledger
    votes: int = 1
    seed: int | None = None
    caller: ModelCaller = field(init=False)  # the run's own
    _ready: bool = field(init=False, default=False)

    @property
    def name(self) -> str:
        """Who grades: another judge's grade is another answer."""
        return self.model.name if self.votes == 1 else f"{self.model.name} x{self.votes}"

    def attach(self, caller: ModelCaller) -> None:
        """Share the caller of the run. The judge's model may differ, and has no fallback."""
        self.caller = caller

    async def prepare(self) -> None:
        """Be ready to ask. Raises ModelError; PreflightError where the judge's price leaves a limit without force."""
        if not self._ready:
            await self.model.open()
            self.ledger.vet(self.model.price(), self.model.name)
            self._ready = True

    async def grade(self, question: HostQuestion, rubric: str, iteration: int) -> HostAnswer:
        """The median grade and the reason of the vote nearest to it.

        Raises ModelError of class `judge` where a vote is missing or is no grade: never half a verdict.
        """
        await self.prepare()
        votes = [await self._vote(question, rubric, iteration, number) for number in range(self.votes)]
        grade = median(vote.value for vote in votes)
        nearest = min(votes, key=lambda vote: abs(vote.value - grade))
        of = f" (median of {', '.join(f'{vote.value:g}' for vote in votes)})" if len(votes) > 1 else ""
        remark = f": {nearest.note}" if nearest.note else ""
        return replace(nearest, value=grade, note=f"judged {grade:g}{of}{remark}")

    async def _prompt(self, question: HostQuestion, rubric: str, _: Model, window: int | None) -> Prompt:
        return self.judge.prompt(question, rubric, window)

    async def _vote(self, question: HostQuestion, rubric: str, iteration: int, number: int) -> HostAnswer:
        why = ""
        for retry in range(POLICIES[ErrorClass.JUDGE].retries + 1):
            seed = None if self.seed is None else self.seed + number + retry * self.votes
            try:
                answer = await self.caller.for_model(self.model).ask(
                    partial(self._prompt, question, rubric),
                    Sampling(temperature=0.0, max_tokens=_ANSWER, seed=seed),
                    iteration,
                    "judge",
                )
                return self.judge.read(answer.text)
            except ReplyError as error:
                why = error.message
            except ModelError as error:
                raise ModelError(f"the judge failed: {error.message}", ErrorClass.JUDGE) from error
        raise ModelError(f"the judge {self.model.name} gave no usable grade: {why}", ErrorClass.JUDGE)
