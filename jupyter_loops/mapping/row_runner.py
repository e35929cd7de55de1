"""Runs one row of a map: a run of its own, on the map's ledger, examined with all other rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from jupyter_loops.assemble.adapters import Adapters, new_sandbox
from jupyter_loops.assemble.collaborators import Person
from jupyter_loops.assemble.launch import new_id
from jupyter_loops.assemble.run_cycle import make_cycle
from jupyter_loops.core.budget import Budget, Usage
from jupyter_loops.core.events import RunStarted
from jupyter_loops.core.ports import Model, Sandbox, Toolbox, World
from jupyter_loops.core.row import ROW
from jupyter_loops.core.termination import StopReason
from jupyter_loops.engine.account import ignore_spending
from jupyter_loops.engine.control import Control
from jupyter_loops.engine.cycle import Cycle
from jupyter_loops.engine.event_recorder import EventRecorder
from jupyter_loops.engine.ledger import Ledger
from jupyter_loops.engine.prompt_retention import PromptRetention
from jupyter_loops.engine.run_context import RunContext
from jupyter_loops.engine.run_nesting import RunNesting
from jupyter_loops.errors import HistoryError, LoopError
from jupyter_loops.execution.row_sandbox import RowSandbox
from jupyter_loops.options import Options

from .row_history import RowHistory, RowInputs, StoredRow
from .row_outcome import RowOutcome
from .row_recipe import digest, item_text
from .row_source import InputRow

if TYPE_CHECKING:
    from jupyter_loops.core.ports import Readiness
    from jupyter_loops.execution.row_batches import RowBatches
    from jupyter_loops.history import History

UNFINISHED = frozenset(  # ends that say nothing of the row: it is worked on when the map goes on
    {
        *(StopReason.BUDGET_USD, StopReason.BUDGET_TOKENS, StopReason.BUDGET_TIME, StopReason.BUDGET_CALLS),
        *(StopReason.STOPPED, StopReason.INTERRUPTED, StopReason.BREAKER_OPEN, StopReason.ERROR),
    }
)
SCOPE = "the map"


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeStage:
    """One model of a cascade, with the options that name it."""

    options: Options
    model: Model
    escalation: tuple[Model, ...] = ()
    fallbacks: tuple[Model, ...] = ()


@dataclass(slots=True, kw_only=True)
class PreparedRow:
    """A row with what is sent of it."""

    row: InputRow
    text: str = ""  # as the model reads it
    pickled: bytes = b""
    is_table_row: bool = False
    digest: str = ""  # of its content
    stored: StoredRow | None = None  # an earlier run of an equal row
    fault: str = ""  # why it cannot be worked on


@dataclass(slots=True, kw_only=True)
class RowRunner:
    """What all rows of one map share."""

    world: World  # without the row
    stages: Sequence[CascadeStage]
    history: History
    row_history: RowHistory
    nesting: RunNesting  # the map's
    toolbox: Callable[[], Toolbox]
    person: Person
    batches: RowBatches | None = None  # None: each row has a sandbox of its own
    readiness: Readiness
    started: RunStarted  # the first event of a row, without what is the row's own
    notes: list[str] = field(default_factory=list)  # what a person should know of the sandbox

    def prepare(self, row: InputRow) -> PreparedRow:
        """What is sent of the row."""
        from jupyter_loops.execution.row_batches import pickled
        from jupyter_loops.execution.secrecy import why_secret

        prepared = PreparedRow(row=row)
        try:
            if why := why_secret(ROW, self._not_given(row.item)):
                prepared.fault = why
                return prepared
            prepared.text = item_text(row.item)
            prepared.digest = digest(row.item, prepared.text)
            prepared.pickled, prepared.is_table_row = pickled(row.item)
        except LoopError as error:
            prepared.fault = str(error)
        return prepared

    def _not_given(self, item: object) -> object:
        """What of a row may hold secrets that `--give` does not name."""
        given = self.world.given
        if ROW in given:
            return None
        return {name: value for name, value in item.items() if name not in given} if isinstance(item, Mapping) else item

    async def run(self, prepared: PreparedRow) -> list[RowOutcome]:
        """Work on a row, model after model until its checks pass; the outcome of each model. Raises HistoryError."""
        if prepared.fault:
            return [self._fault(prepared.row, prepared.fault)]
        stored = prepared.stored
        if stored is not None and stored.exhausted:
            return [self._exhausted(prepared.row, stored)]
        outcomes: list[RowOutcome] = []
        first = 0 if stored is None else stored.stage([stage.model.name for stage in self.stages])
        for stage in self.stages[first:]:
            outcomes.append(await self._run_stage(prepared, stage, None if outcomes else stored))
            if outcomes[-1].verified or outcomes[-1].state in UNFINISHED - {StopReason.ERROR}:
                break
        return outcomes

    async def _run_stage(self, prepared: PreparedRow, stage: CascadeStage, stored: StoredRow | None) -> RowOutcome:
        row = prepared.row
        run_id = stored.run_id if stored is not None and stored.restored is not None else new_id()
        try:
            cycle = self._cycle(run_id, prepared, stage, stored)
        except HistoryError:
            raise
        except LoopError as error:
            return self._fault(row, str(error))
        try:
            end = await cycle.run()
        except HistoryError:
            raise
        except LoopError as error:
            return replace(self._fault(row, str(error)), run=run_id, model=stage.model.name)
        finally:
            if stored is not None:
                stored.release()
        usage: Usage = cycle.context.ledger.usage
        last, accepted = cycle.state.last, cycle.delivery is not None
        return RowOutcome(
            position=row.position,
            key=row.key,
            state=str(end.reason),
            values=_values(cycle),
            rounds=usage.iterations,
            usd=usage.usd,
            tokens=usage.tokens,
            calls=usage.calls,
            seconds=round(usage.seconds, 3),
            error="" if accepted else (last.why if last is not None and last.why else end.message),
            model=cycle.model.name,
            run=run_id,
            stored=not usage.calls and end.verified,
            accepted=accepted,
        )

    def _cycle(self, run_id: str, prepared: PreparedRow, stage: CascadeStage, stored: StoredRow | None) -> Cycle:
        options = stage.options
        restored = None if stored is None else stored.restored
        recorder = EventRecorder(
            run_id,
            self.history.journal,
            seq=0 if restored is None else restored.seq,
            prompts=PromptRetention(options.store_prompts),
            deferring=True,
        )
        ledger = self.nesting.ledger.child(row_budget(options), ignore_spending, scope=SCOPE)
        nesting = RunNesting(
            run=run_id, name=self.nesting.name, ledger=ledger, control=Control(), depth=self.nesting.depth + 1
        )
        self.nesting.take_in(nesting)
        names: Mapping[str, object] = self.world.names
        sandbox: Sandbox
        if self.batches is None:
            sandbox, names = new_sandbox(options), {**names, ROW: prepared.row.item}
        else:
            sandbox = RowSandbox(
                self.batches,
                self.readiness,
                prepared.pickled,
                is_table_row=prepared.is_table_row,
                digest=prepared.digest,
            )
        return make_cycle(
            replace(self.world, names=names, item=prepared.text),
            options,
            Adapters(stage.model, sandbox, stage.fallbacks, None, stage.escalation),
            context=RunContext(nesting.control, ledger, recorder),
            inputs=RowInputs(
                history=self.row_history,
                recorder=recorder,
                started=self.started,
                row=prepared.row,
                fingerprint=self.row_history.fingerprint(prepared.digest),
                model=stage.model.name,
                budget=ledger.budget,
                stored=stored,
            ),
            toolbox=self.toolbox(),
            person=self.person,
            lineage=nesting,
            restored=restored,
        )

    def _fault(self, row: InputRow, why: str) -> RowOutcome:
        return RowOutcome(position=row.position, key=row.key, state=str(StopReason.ERROR), error=why)

    def _exhausted(self, row: InputRow, stored: StoredRow) -> RowOutcome:
        """A row that failed before, with the same cell and the same model."""
        return RowOutcome(
            position=row.position,
            key=row.key,
            state=stored.stop_reason,
            error=f"{stored.message} (in an earlier run: retry() works on it again)",
            model=stored.model,
            run=stored.run_id,
            stored=True,
        )


def _values(cycle: Cycle) -> dict[str, Any]:
    """Of each target, where a candidate is accepted: data and text as they are, all else as the code that makes it."""
    best = cycle.state.best
    if cycle.delivery is None or best is None or best.candidate is None:
        return {}
    return {
        **dict.fromkeys((target.name for target in cycle.recipe.targets), best.candidate.text),
        **cycle.delivery.values,
    }


def row_budget(options: Options) -> Budget:
    """The limits of each row: its rounds, and what a condition caps; all others are the map's."""
    budget = Budget(usd=None, tokens=None, seconds=None, iterations=options.iterations, calls=None)
    return budget if options.condition is None else options.condition.cap(budget)


def map_ledger(ledger: Ledger) -> Ledger:
    """The map's ledger, whose limits are called the map's in messages of rows."""
    ledger.account.scope = SCOPE
    return ledger
