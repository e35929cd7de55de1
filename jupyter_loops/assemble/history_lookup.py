"""Lookups in the history before a run starts, and the event of its start."""

from __future__ import annotations

import asyncio
import hashlib
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from jupyter_loops._version import __version__
from jupyter_loops.core.approach import Approach, Mode, Worth
from jupyter_loops.core.budget import Price
from jupyter_loops.core.candidate import Candidate, CandidateKind
from jupyter_loops.core.events import NoteAdded, QuestionAnswered, RunResumed, RunStarted
from jupyter_loops.core.forecast import Forecast, RunOutcome
from jupyter_loops.core.ports import Model, Readiness
from jupyter_loops.core.recipe import Recipe
from jupyter_loops.core.recollection import Recollection
from jupyter_loops.core.tool import Offer
from jupyter_loops.engine.event_recorder import EventRecorder
from jupyter_loops.engine.origin import Origin
from jupyter_loops.engine.restored_state import RestoredState
from jupyter_loops.errors import HistoryError
from jupyter_loops.options import Options
from jupyter_loops.view.notebook_place import NotebookPlace

from .reuse import reusable

_EPISODES = 3  # failed checks of earlier runs that a prompt has

if TYPE_CHECKING:
    from jupyter_loops.history import History


@dataclass(slots=True)
class HistoryLookup:
    """Looks up what the history has for a run, and records its start."""

    recipe: Recipe
    options: Options
    model: Model
    history: History
    recorder: EventRecorder
    origin: Origin
    tools: Sequence[Offer] = ()
    label: str = ""  # the run's name in the history; empty: the loop's
    place: NotebookPlace = field(default_factory=NotebookPlace)
    offer: str = field(init=False, default="")  # what a person may want to know of an interrupted run
    _reused: list[str] = field(init=False, default_factory=list)
    _noted: set[str] = field(init=False, default_factory=set)

    async def recall(self, readiness: Readiness) -> tuple[list[Candidate], list[QuestionAnswered]]:
        """A candidate that was verified for an equal recipe on equal inputs, unless a fresh search is asked for.

        With --reuse, else functions of the same signature.
        """
        if self.options.fresh:
            return [], []
        row, self.offer = await self._ask(self._look_up, self._fingerprint(readiness), otherwise=(None, ""))
        if row is None:
            reused = self.options.reuse and not self.recipe.asks
            self._reused = await self._ask(self._reusable, otherwise=[]) if reused else []
            return [Candidate(kind=CandidateKind.CODE, text=text) for text in self._reused], []
        answers = await self._ask(self.history.answers, row["run_id"], otherwise=[]) if self.recipe.asks else []
        return [Candidate(kind=CandidateKind(row["kind"]), text=row["text"])], answers

    async def _ask(self, question: Callable[..., Any], *about: Any, otherwise: Any) -> Any:
        """Query the history. The run goes on without an answer, and notes that; it also notes an answer from a copy."""
        try:
            answer = await asyncio.to_thread(question, *about)
            note = self.history.note
        except HistoryError as error:
            answer, note = otherwise, f"{error}. The run begins without what the history knows"
        if note and note not in self._noted:
            self._noted.add(note)
            self.recorder.note(note)
        return answer

    def _look_up(self, fingerprint: str) -> tuple[dict[str, Any] | None, str]:
        verified = self.history.verified(fingerprint)
        broken_off = None if verified else self.history.broken_off(self.recipe.name, fingerprint=fingerprint)
        return verified, broken_off.offer if broken_off else ""

    def _reusable(self) -> list[str]:
        return reusable(self.recipe.targets, self.history.verified_code(self._goal))

    @property
    def _goal(self) -> str:
        return " ".join([self.recipe.goal, *(target.doc for target in self.recipe.targets)])

    async def recollect(self) -> Recollection:
        """What earlier runs of the loop and a person left for this one."""
        recollection: Recollection = await self._ask(self._recollect, otherwise=Recollection())
        return replace(recollection, functions=tuple(self._reused))

    def _recollect(self) -> Recollection:
        from jupyter_loops.history.loop_memories import Remembered

        history, loop, hidden = self.history, self.recipe.name, {check.name for check in self.recipe.hidden}
        kinds = history.remembered(loop)
        lessons = history.lessons(loop) if Remembered.LESSON in kinds else []
        recall = self.options.recall
        return Recollection(
            guidance=tuple(history.guidance(loop) if Remembered.NOTE in kinds else ()),
            lessons=tuple(text for text, check in lessons if check not in hidden),
            episodes=tuple(history.past_failures(loop, self._goal, sorted(hidden), _EPISODES) if recall else ()),
        )

    async def outcomes(self) -> list[RunOutcome]:
        """How runs of this loop, and of this model, went."""
        rows = await self._ask(self.history.outcomes, self.recipe.name, self.model.name, otherwise=[])
        return [RunOutcome(**row) for row in rows]

    async def approaches(self) -> dict[Approach, Worth]:
        """What each approach was worth in runs of this loop."""
        names = [self.model.name, *self.options.escalate]
        rows = await self._ask(self.history.approaches, self.recipe.name, names, otherwise=[])
        return {Approach(row.pop("model"), Mode(row.pop("mode")), row.pop("degree")): Worth(**row) for row in rows}

    async def remember(self) -> None:
        """Load the refusals of the models' servers, and their corrected prices."""
        from jupyter_loops.planning.models import features, price_list

        features.remember(await self._ask(self.history.refusals, otherwise=[]))
        price_list.correct(await self._ask(self.history.corrections, otherwise=[]))

    def announce(
        self, readiness: Readiness, price: Price | None, forecast: Forecast | None, startup: Mapping[str, float]
    ) -> None:
        """Record RunStarted, or RunResumed."""
        if self.origin.run_id is None:
            self.recorder.say(replace(self._started(readiness, price, forecast), startup=dict(startup)))
        else:
            self.recorder.say(
                replace(self._resumed(readiness, self.origin.restored or RestoredState()), startup=dict(startup))
            )
        if self.offer:
            self.recorder.say(NoteAdded(iteration=0, message=self.offer))

    def _started(self, readiness: Readiness, price: Price | None, forecast: Forecast | None) -> RunStarted:
        return RunStarted(
            loop=self.label or self.recipe.name,
            goal=self.recipe.goal,
            source=self.recipe.source,
            fingerprint=self._fingerprint(readiness),
            model=self.model.name,
            isolation=readiness.isolation,
            budget=asdict(self.options.budget),
            price=None if price is None else asdict(price),
            options=self.options.written,
            targets=[target.name for target in self.recipe.targets],
            checks=[{"name": check.name, "hidden": check.hidden, "kind": check.kind} for check in self.recipe.checks],
            code=self.recipe.asks_for_code,
            kernel=_kernel(),
            version=__version__,
            journal=self.history.journal.token,
            parent=self.origin.parent,
            relation=self.origin.relation,
            forked_at=self.origin.forked_at,
            forecast=forecast.to_json() if forecast else {},
            tools=[str(offer) for offer in self.tools],
            notebook=self.place.notebook,
            cell=self.place.cell,
        )

    def _resumed(self, readiness: Readiness, restored: RestoredState) -> RunResumed:
        return RunResumed(
            iteration=restored.iteration,
            phase=restored.state,
            model=self.model.name,
            isolation=readiness.isolation,
            fingerprint=self._fingerprint(readiness),
            budget=asdict(self.options.budget),
            kernel=_kernel(),
            version=__version__,
            journal=self.history.journal.token,
        )

    def _fingerprint(self, readiness: Readiness) -> str:
        return hashlib.sha256(f"{self.recipe.fingerprint()}{readiness.fingerprint}".encode()).hexdigest()


def _kernel() -> str:
    return f"{os.getpid()}@{platform.node()}"
