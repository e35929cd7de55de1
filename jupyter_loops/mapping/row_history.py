"""What a row of a map reads of the history and records in it: earlier runs of equal rows are looked up in blocks."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from jupyter_loops.core.approach import Approach, Worth
from jupyter_loops.core.budget import Budget, Price
from jupyter_loops.core.candidate import Candidate, CandidateKind
from jupyter_loops.core.events import QuestionAnswered, Record, RunResumed, RunStarted
from jupyter_loops.core.forecast import Forecast, RunOutcome
from jupyter_loops.core.ports import Readiness
from jupyter_loops.core.recipe import Recipe
from jupyter_loops.core.recollection import Recollection
from jupyter_loops.core.termination import StopReason
from jupyter_loops.engine.event_recorder import EventRecorder
from jupyter_loops.engine.restored_state import RestoredState, fold
from jupyter_loops.errors import HistoryError
from jupyter_loops.history.map_rows import KnownRow, label

from .row_source import InputRow

if TYPE_CHECKING:
    from jupyter_loops.history import History
    from jupyter_loops.history.lock import FileLock

EXHAUSTED = frozenset(  # ends of a row that had all that its own limits allow
    {
        *(StopReason.ITERATIONS, StopReason.PLATEAU, StopReason.REPETITION, StopReason.OSCILLATION),
        *(StopReason.FORECAST, StopReason.REFUSED),
    }
)


@dataclass(slots=True, kw_only=True)
class StoredRow:
    """An earlier run of an equal row."""

    run_id: str
    stop_reason: str  # empty where it broke off
    message: str
    model: str
    candidate: Candidate | None = None  # where it was verified
    restored: RestoredState | None = None  # where it broke off, and goes on
    claim: FileLock | None = None

    @property
    def exhausted(self) -> bool:
        """Whether it failed, and nothing has changed since."""
        return self.candidate is None and self.stop_reason in EXHAUSTED

    def stage(self, models: Sequence[str]) -> int:
        """The stage of a cascade to go on with."""
        return models.index(self.model) if self.restored is not None and self.model in models else 0

    def release(self) -> None:
        """Others may go on with it."""
        if self.claim is not None:
            self.claim.remove()
            self.claim = None


@dataclass(slots=True, kw_only=True)
class RowHistory:
    """Looks rows up, a block at a time. Its methods block: call them on a thread."""

    history: History
    recipe: Recipe
    readiness: Readiness
    models: tuple[str, ...]  # of the cascade
    _recipe_digest: str = field(init=False, default="")
    _knows: bool | None = field(init=False, default=None)

    def fingerprint(self, digest: str) -> str:
        """SHA-256 of the question that a row is: the recipe, the inputs, and the row's content."""
        self._recipe_digest = self._recipe_digest or f"{self.recipe.fingerprint()}{self.readiness.fingerprint}"
        return hashlib.sha256(f"{self._recipe_digest}{digest}".encode()).hexdigest()

    def stored_rows(self, digests: Sequence[str], *, retry: bool = False) -> dict[str, StoredRow]:
        """The earlier runs of these rows, by digest. `retry`: those that failed count as new."""
        if self._knows is None:
            self._knows = self.history.knows_rows(self.recipe.name)
        if not self._knows:
            return {}
        by_fingerprint = {self.fingerprint(digest): digest for digest in digests}
        known = self.history.known_rows(list(by_fingerprint))
        stored = {by_fingerprint[row.fingerprint]: self._read(row) for row in known.values()}
        return {digest: row for digest, row in stored.items() if row is not None and not (retry and row.exhausted)}

    def _read(self, known: KnownRow) -> StoredRow | None:
        row = StoredRow(
            run_id=known.run_id,
            stop_reason=known.stop_reason or "",
            message=known.message or "",
            model=known.model or "",
        )
        if known.stop_reason == StopReason.VERIFIED:
            row.candidate = (
                None if known.text is None else Candidate(kind=CandidateKind(str(known.kind)), text=known.text)
            )
            return row if row.candidate is not None else None
        if row.exhausted:  # where a score decides, it is searched anew, as a single loop is
            return row if row.model == self.models[-1] and not self.recipe.scores else None
        return self._restored(row, known)

    def _restored(self, row: StoredRow, known: KnownRow) -> StoredRow | None:
        """The row with the state that it broke off in; None where it is worked on from the start."""
        from jupyter_loops.verification.verifier import LayeredVerifier

        if known.stop_reason is None and self.history.goes_on(known.journal):
            return None
        try:
            row.claim = self.history.claim(row.run_id)
        except HistoryError:
            return None
        events = [record for each in self.history.records(row.run_id) if (record := Record.of(each)) is not None]
        row.restored = fold(events, self.recipe, LayeredVerifier())
        if not (row.restored.run_state.rounds or row.restored.answers):
            row.release()
            return None
        return row


@dataclass(slots=True, kw_only=True)
class RowInputs:
    """Satisfies `engine.run_preparation.RunInputs` for one row: all lookups were made before."""

    history: RowHistory
    recorder: EventRecorder
    started: RunStarted
    row: InputRow
    fingerprint: str
    model: str
    budget: Budget
    stored: StoredRow | None

    async def recall(self, readiness: Readiness) -> tuple[list[Candidate], list[QuestionAnswered]]:
        """A candidate that was verified for an equal row."""
        del readiness
        candidate = None if self.stored is None else self.stored.candidate
        return ([] if candidate is None else [candidate]), []

    async def recollect(self) -> Recollection:
        """Nothing: a map has one prompt for all rows."""
        return Recollection()

    async def outcomes(self) -> list[RunOutcome]:
        """None: a map has a pilot for that."""
        return []

    async def approaches(self) -> dict[Approach, Worth]:
        """None, as the rows are not alike."""
        return {}

    async def remember(self) -> None:
        """The map has done it."""

    def announce(
        self, readiness: Readiness, price: Price | None, forecast: Forecast | None, startup: Mapping[str, float]
    ) -> None:
        """Record RunStarted, or RunResumed."""
        del forecast, startup
        if self.stored is not None and self.stored.restored is not None:
            self.recorder.say(self._resumed(readiness, self.stored.restored))
            return
        self.recorder.say(
            replace(
                self.started,
                loop=label(self.started.loop, self.row.position),
                fingerprint=self.fingerprint,
                model=self.model,
                isolation=readiness.isolation,
                price=None if price is None else asdict(price),
                budget=asdict(self.budget),
                options={"model": self.model, "key": _plain(self.row.key)},
            )
        )

    def _resumed(self, readiness: Readiness, restored: RestoredState) -> RunResumed:
        return RunResumed(
            iteration=restored.iteration,
            phase=restored.state,
            model=self.model,
            isolation=readiness.isolation,
            fingerprint=self.fingerprint,
            budget=asdict(self.budget),
            kernel=self.started.kernel,
            version=self.started.version,
            journal=self.started.journal,
        )


def _plain(key: object) -> object:
    return key if isinstance(key, str | int | float | bool | None) else str(key)
