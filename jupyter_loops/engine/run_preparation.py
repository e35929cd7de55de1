"""PREPARE: set-up executed and models ready, both at once, and the run on the record."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from jupyter_loops.core.approach import Approach, Worth
from jupyter_loops.core.budget import Price
from jupyter_loops.core.candidate import Candidate
from jupyter_loops.core.events import NoteAdded, QuestionAnswered
from jupyter_loops.core.forecast import Forecast, RunOutcome
from jupyter_loops.core.ports import Model, Readiness, Sandbox, World
from jupyter_loops.core.recollection import Recollection
from jupyter_loops.errors import HistoryError

from .iteration_log import IterationLog
from .questions import Questions
from .tools import Tools

PLAIN = frozenset({"litellm", "option", "local"})  # sources of prices that need no word


class RunInputs(Protocol):
    """What a new or resumed run reads and records once its set-up has run."""

    async def recall(self, readiness: Readiness) -> tuple[Sequence[Candidate], Sequence[QuestionAnswered]]:
        """Candidates to try before a model is asked, and what judges and people said of them."""
        ...

    async def recollect(self) -> Recollection:
        """What earlier runs and a person left for this one."""
        ...

    async def outcomes(self) -> list[RunOutcome]:
        """The outcomes of similar runs."""
        ...

    async def approaches(self) -> dict[Approach, Worth]:
        """What each approach gained and cost in runs of this loop."""
        ...

    async def remember(self) -> None:
        """Let the models know what their servers have refused before, and what they really cost."""
        ...

    def announce(
        self, readiness: Readiness, price: Price | None, forecast: Forecast | None, startup: Mapping[str, float]
    ) -> None:
        """Record RunStarted, or RunResumed. `startup`: what had to be there first, and the seconds that each took."""
        ...


@dataclass(slots=True, kw_only=True)
class RunPreparation:
    """Prepares a run for its first round: sandbox, set-up, history and models."""

    world: World
    sandbox: Sandbox
    inputs: RunInputs
    model: Model
    others: Sequence[Model]  # to fall back or to escalate to
    questions: Questions
    tools: Tools
    log: IterationLog
    preflight: Callable[[Readiness], Awaitable[None]]  # makes the first prompt; raises PreflightError
    readiness: Readiness | None = field(init=False, default=None)  # set once the run exists
    recollection: Recollection = field(init=False, default=Recollection())  # once the models are ready
    _models: asyncio.Future[None] | None = field(init=False, default=None)
    _took: dict[str, float] = field(init=False, default_factory=dict)  # seconds; they overlap
    _steps: list[str] = field(init=False, default_factory=list)  # that go on, for a person

    async def begin(self, *, afresh: bool) -> Sequence[Candidate]:
        """Stored candidates that may do, which need no model; none where the models are ready instead.

        `afresh`: the run is a new one, and may look for such candidates.
        """
        self._models = asyncio.ensure_future(self._open_models())
        with self._timed("the sandbox and the set-up", "starting the sandbox"):
            readiness = await self.sandbox.open(self.world)
        ledger = self.log.context.ledger
        with self.log.context.uncounted(), self._timed("the history", "reading the history"):
            stored, answers = await self.inputs.recall(readiness) if afresh else ((), ())
        if not stored:
            await self.complete()
            await self.preflight(readiness)
        else:
            self.questions.recall(answers)
            ledger.price = self.model.price()  # as far as it is known before the model is open
        self.inputs.announce(readiness, ledger.price, None if stored else self.log.forecast(), self._took)
        self.readiness = readiness
        self.tools.prepare()
        for note in readiness.notes:
            self.log.context.recorder.say(NoteAdded(iteration=0, message=note))
        return stored

    async def complete(self) -> None:
        """Prepare what a round needs that asks a model."""
        with (
            self.log.context.uncounted(),
            contextlib.suppress(HistoryError),
        ):  # without a history, the forecast is only less certain
            self.log.forecaster.learn(await self.inputs.outcomes())
            self.log.tuning.bandit.learn(await self.inputs.approaches())
            await self.inputs.remember()
            self.recollection = await self.inputs.recollect()
        assert self._models is not None
        await self._models
        self._quote()
        await self.questions.prepare()

    @contextlib.contextmanager
    def _timed(self, what: str, step: str) -> Iterator[None]:
        """Measure the block, and let listeners know that it goes on."""
        began = time.monotonic()
        self._show([*self._steps, step])
        try:
            yield
        finally:
            self._took[what] = round(time.monotonic() - began, 3)
            self._show([other for other in self._steps if other != step])

    def _show(self, steps: list[str]) -> None:
        self._steps = steps
        self.log.context.recorder.preparing(", ".join(steps))

    def let_go(self) -> None:
        """Cancel the opening of models that the run did not need."""
        if self._models is not None:
            self._models.cancel()

    async def _open_models(self) -> None:
        """All that may be asked, at once: a fallback that is not ready is none."""
        with self._timed("the models", getattr(self.model, "opening", "opening the model")):
            await asyncio.gather(*(model.open() for model in (self.model, *self.others)))

    def _quote(self) -> None:
        """Tell the ledger the prices, and a person those that are not simply LiteLLM's or their own."""
        ledger, recorder = self.log.context.ledger, self.log.context.recorder
        ledger.quote(self.model.price(), self.model.name)
        for other in self.others:
            ledger.vet(other.price(), other.name)
        for model in (self.model, *self.others):
            if (price := model.price()) and price.source not in PLAIN:
                recorder.note(f"{model.name} is charged at {price}")
