"""Starts a map from a recipe, its options and a table, on the engine's thread."""

from __future__ import annotations

import asyncio
import hashlib
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from jupyter_loops import run_groups
from jupyter_loops._version import __version__
from jupyter_loops.assemble.adapters import Adapters, new_sandbox
from jupyter_loops.assemble.collaborators import Person
from jupyter_loops.assemble.governed import governed
from jupyter_loops.assemble.launch import new_id
from jupyter_loops.assemble.notebook_budget import within_notebook
from jupyter_loops.assemble.run_world import make_world
from jupyter_loops.core.events import RunStarted
from jupyter_loops.core.policy import HubPolicy
from jupyter_loops.core.ports import Model, Readiness, Toolbox, World
from jupyter_loops.core.recipe import Recipe
from jupyter_loops.core.row import ROW
from jupyter_loops.core.secrets import is_secret
from jupyter_loops.engine import background
from jupyter_loops.engine.account import ignore_spending
from jupyter_loops.engine.control import Control
from jupyter_loops.engine.event_recorder import EventRecorder
from jupyter_loops.engine.ledger import Ledger
from jupyter_loops.engine.limited_model import limited
from jupyter_loops.engine.prompt_retention import PromptRetention
from jupyter_loops.engine.run_nesting import CURRENT, RunNesting
from jupyter_loops.errors import HistoryError, OptionError, PreflightError
from jupyter_loops.execution.row_batches import RowBatches
from jupyter_loops.execution.sandbox import ZygoteSandbox
from jupyter_loops.history import History, open_history
from jupyter_loops.nearest import nearest
from jupyter_loops.options import Options

from .map_cycle import MapCycle
from .map_options import MapOptions
from .map_progress import MapProgress
from .map_run import MapRun
from .row_history import RowHistory
from .row_outcome import RowOutcomes, names_taken
from .row_recipe import RowRecipe
from .row_runner import CascadeStage, RowRunner, map_ledger
from .row_source import InputRow, RetriedRows, RowSource, open_rows


@dataclass(slots=True, kw_only=True)
class _MapLaunch:
    """What is needed to start a map, and to start it again for some of its rows."""

    recipe: Recipe
    options: Options
    map_options: MapOptions
    names: Mapping[str, object]
    person: Person
    stages: tuple[Adapters, ...] = ()  # of a test or a benchmark; empty: as the options say
    changed: Callable[[], None] = lambda: None
    row_recipe: RowRecipe = field(init=False)
    history: History = field(init=False)
    _sandbox: ZygoteSandbox | None = field(init=False, default=None)
    _batches: RowBatches | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        policy = HubPolicy.here()
        self.options = governed(self.options, self.recipe, policy)
        for name in self.map_options.models:
            policy.check_model("--models", name)
        self.row_recipe = RowRecipe(self.recipe)
        self.history = open_history(self.options.history)

    def start(
        self,
        source: RowSource,
        *,
        parent: RunNesting | None = None,
        outcomes: RowOutcomes | None = None,
        fresh: bool = False,
    ) -> MapRun:
        """Start it. `outcomes` of the map whose failed rows these are."""
        targets = tuple(target.name for target in self.recipe.targets)
        self.row_recipe.check_columns(source.columns)
        if taken := names_taken(targets, source.key):
            raise PreflightError(f"a target is called {taken!r}, as a column of the results is: rename the target")
        if secrets := [name for name in source.columns if is_secret(name) and not {name, ROW} & {*self.options.give}]:
            raise PreflightError(
                f"the column {secrets[0]!r} is a secret by its name, and rows go into prompts: leave it away, or "
                f"--give {secrets[0]}"
            )
        shared = self.row_recipe.shared
        if not self.row_recipe.batched:
            shared = replace(shared, targets=(), checks=())
        world = replace(
            make_world(shared, replace(self.options, give=self._given_names(source)), self.names),
            given=frozenset(self.options.give),
        )
        run_id = new_id()
        recorder = EventRecorder(run_id, self.history.journal, prompts=PromptRetention(self.options.store_prompts))
        nesting = self._nesting(run_id, parent or CURRENT.get())
        stages = self._stages(run_id)
        cycle = MapCycle(
            source=source,
            open_runner=lambda: self._open(world, stages, nesting),
            close_runner=self._close,
            started=lambda runner: self._started(runner, nesting),
            options=self.map_options,
            nesting=nesting,
            recorder=recorder,
            progress=MapProgress(total=source.total),
            outcomes=RowOutcomes(targets, source.key, whole=outcomes),
            limits=[stage.model.limit for stage in stages],  # type: ignore[attr-defined]  # a LimitedModel
            retry=outcomes is not None,
            fresh=fresh,
            attended=self.person.there,
            callback=self.person.callback,
            seed=self.options.seed,
            changed=self.changed,
        )
        run = MapRun(
            id=run_id,
            recipe=self.recipe,
            history=self.history,
            map_cycle=cycle,
            future=background.submit(cycle.run()),
            model=", ".join(stage.model.name for stage in stages),
            again=self._again,
        )
        run_groups.register(run)
        return run

    def _again(self, rows: Sequence[InputRow], outcomes: RowOutcomes, source: RowSource, **options: Any) -> MapRun:
        """The map of some rows, with options that differ."""
        own, row_options = MapOptions.split(options)
        written = {name: getattr(own, name) for name in options if hasattr(own, name)}
        launch = _MapLaunch(
            recipe=self.recipe,
            options=replace(self.options, **Options.checked(row_options)),
            map_options=replace(self.map_options, **{"sample": None, **written}),
            names=self.names,
            person=self.person,
            stages=self.stages,
            changed=self.changed,
        )
        return launch.start(RetriedRows.of(rows, source), outcomes=outcomes)

    def _nesting(self, run_id: str, parent: RunNesting | None) -> RunNesting:
        budget = replace(self.options.budget, iterations=None)
        name = self.recipe.name
        if parent is None:
            allowance = within_notebook(self.history.day(self.options.daily_usd))
            ledger = Ledger.within(allowance, budget, priced=HubPolicy.here().in_dollars)
            return RunNesting(run=run_id, name=name, ledger=map_ledger(ledger), control=Control())
        depth = parent.deeper(name)
        ledger = parent.ledger.child(budget, ignore_spending, scope=f"the loop {parent.name} around it")
        nesting = RunNesting(run=run_id, name=name, ledger=ledger, control=Control(), depth=depth)
        parent.take_in(nesting)
        return nesting

    def _given_names(self, source: RowSource) -> tuple[str, ...]:
        """What of --give is the notebook's; all else is `row` or columns of it. Raises OptionError."""
        own = tuple(name for name in self.options.give if name in self.names)
        known = [ROW, *source.columns, *own]
        if source.columns and (unknown := [name for name in self.options.give if name not in known]):
            raise OptionError(f"--give got {unknown[0]}, which is no column and no name{nearest(unknown[0], known)}")
        return own

    def _stages(self, owner: str) -> list[CascadeStage]:
        """The models of the cascade, each with a limit of calls in flight."""
        named = self.map_options.models or (self.options.chosen_model,)
        stages = self.stages or [Adapters.of(replace(self.options, model=name)) for name in named]

        def wrap(model: Model) -> Model:
            return limited(model, self.map_options.concurrency, owner)

        return [
            CascadeStage(
                options=replace(self.options, model=adapters.model.name),
                model=wrap(adapters.model),
                escalation=tuple(map(wrap, adapters.escalation)),
                fallbacks=tuple(map(wrap, adapters.fallbacks)),
            )
            for adapters in stages
        ]

    async def _open(self, world: World, stages: Sequence[CascadeStage], nesting: RunNesting) -> RowRunner:
        """Run the set-up that all rows share, and open the models. Raises PreflightError, SandboxError."""
        self._sandbox = new_sandbox(self.options)
        models = [model for stage in stages for model in (stage.model, *stage.fallbacks, *stage.escalation)]
        opening = asyncio.gather(*(model.open() for model in models), self._remember())
        try:
            readiness = await self._sandbox.open(world)
            await opening
        finally:
            opening.cancel()
        for model in models:
            nesting.ledger.vet(model.price(), model.name)
        nesting.ledger.price = stages[0].model.price()
        if self.row_recipe.batched:
            self._batches = self._sandbox.row_batches(setup=self.row_recipe.setup, size=self.row_recipe.batch_size)
        if self._batches is None:
            await self._sandbox.close()
        row_history = RowHistory(
            history=self.history,
            recipe=self.recipe,
            readiness=readiness,
            models=tuple(stage.model.name for stage in stages),
        )
        runner = RowRunner(
            world=replace(world, recipe=self.recipe),
            stages=stages,
            history=self.history,
            row_history=row_history,
            nesting=nesting,
            toolbox=self._toolbox,
            person=self.person,
            batches=self._batches,
            readiness=readiness,
            started=self._row_started(readiness, nesting),
        )
        for note in readiness.notes:
            runner.notes.append(note)
        return runner

    async def _remember(self) -> None:
        """Load the refusals of the models' servers, and their corrected prices."""
        from jupyter_loops.planning.models import features, price_list

        try:
            features.remember(await asyncio.to_thread(self.history.refusals))
            price_list.correct(await asyncio.to_thread(self.history.corrections))
        except HistoryError:  # then a server refuses once more
            return

    async def _close(self) -> None:
        if self._batches is not None:
            await self._batches.close()
        if self._sandbox is not None:
            await self._sandbox.close()

    def _toolbox(self) -> Toolbox:
        from jupyter_loops.tools.toolbox import FunctionToolbox

        return FunctionToolbox.of(self.recipe, self.options.tools, self.names, self.options.tool_timeout)

    def _row_started(self, readiness: Readiness, nesting: RunNesting) -> RunStarted:
        """The first event of each row, without what is its own."""
        recipe = self.recipe
        return RunStarted(
            loop=recipe.name,
            goal=recipe.goal,
            source="",
            fingerprint="",
            model="",
            isolation=readiness.isolation,
            budget={},
            price=None,
            options={},
            targets=[target.name for target in recipe.targets],
            checks=[{"name": check.name, "hidden": check.hidden, "kind": check.kind} for check in recipe.checks],
            code=recipe.asks_for_code,
            kernel=f"{os.getpid()}@{platform.node()}",
            version=__version__,
            journal=self.history.journal.token,
            parent=nesting.run,
            relation="nested",
        )

    def _started(self, runner: RowRunner, nesting: RunNesting) -> RunStarted:
        """The map's own first event."""
        question = f"map {self.recipe.fingerprint()}{runner.readiness.fingerprint}"
        price = nesting.ledger.price
        return replace(
            runner.started,
            source=self.recipe.source,
            fingerprint=hashlib.sha256(question.encode()).hexdigest(),
            model=runner.stages[0].model.name,
            budget=asdict(nesting.ledger.budget),
            price=None if price is None else asdict(price),
            options=self.options.written | {"map": self.map_options.written},
            parent=None,
            relation="",
        )


def launch_map(
    recipe: Recipe,
    table: object,
    options: Options | None = None,
    map_options: MapOptions | None = None,
    names: Mapping[str, object] | None = None,
    *,
    stages: Sequence[Adapters] = (),
    person: Person | None = None,
    parent: RunNesting | None = None,
    changed: Callable[[], None] = lambda: None,
) -> MapRun:
    """Start a map over the rows of `table` and return at once.

    Raises PreflightError and OptionError at once for what the kernel can check. Errors of the sandbox and the model
    are raised where the map is awaited.
    """
    options, map_options = options or Options(), map_options or MapOptions()
    launch = _MapLaunch(
        recipe=recipe,
        options=options,
        map_options=map_options,
        names=names or {},
        person=person or Person(namespace=names or {}),
        stages=tuple(stages),
        changed=changed,
    )
    return launch.start(open_rows(table, map_options.key), parent=parent, fresh=options.fresh)
