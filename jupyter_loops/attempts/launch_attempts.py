"""Starts independent attempts at one recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from jupyter_loops import run_groups
from jupyter_loops._version import __version__
from jupyter_loops.assemble.adapters import Adapters
from jupyter_loops.assemble.collaborators import Person
from jupyter_loops.assemble.governed import governed
from jupyter_loops.assemble.launch import launch, new_id
from jupyter_loops.assemble.notebook_budget import within_notebook
from jupyter_loops.core.events import RunStarted
from jupyter_loops.core.policy import HubPolicy
from jupyter_loops.core.recipe import Recipe
from jupyter_loops.engine import background
from jupyter_loops.engine.account import ignore_spending
from jupyter_loops.engine.control import Control
from jupyter_loops.engine.event_recorder import EventRecorder
from jupyter_loops.engine.ledger import Ledger
from jupyter_loops.engine.run_nesting import CURRENT, RunNesting
from jupyter_loops.errors import OptionError
from jupyter_loops.history import open_history
from jupyter_loops.history.map_rows import label
from jupyter_loops.options import Options
from jupyter_loops.run import Run

from .attempt_group import AttemptGroup

_TEMPERATURES = (None, 0.6, 1.0, 0.3)  # of the attempts in turn; None: as planned


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptOptions:
    """How many attempts, by which models, and whether they tell each other what failed."""

    parallel: int = 2
    models: tuple[str, ...] = ()  # in turn; empty: the run's model
    share: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.parallel, bool) or not isinstance(self.parallel, int) or self.parallel < 1:
            raise OptionError(f"--parallel must be a whole number of at least 1, got {self.parallel!r}")


def launch_attempts(
    recipe: Recipe,
    options: Options,
    attempt_options: AttemptOptions,
    names: Mapping[str, object] | None = None,
    *,
    adapters: Sequence[Adapters] = (),
    person: Person | None = None,
) -> AttemptGroup:
    """Start the attempts and return at once. Raises PreflightError and OptionError as `launch` does.

    The limits of `options` hold for all attempts together, but rounds for each. `adapters` are a test's own.
    """
    policy = HubPolicy.here()
    for name in attempt_options.models:
        policy.check_model("--models", name)
    options = governed(options, recipe, policy)
    history, run_id = open_history(options.history), new_id()
    recorder = EventRecorder(run_id, history.journal)
    nesting = _nesting(run_id, recipe.name, options, history)
    runs: list[Run] = []
    try:
        for number in range(attempt_options.parallel):
            runs.append(  # noqa: PERF401  # those before one that is refused are stopped
                launch(
                    recipe,
                    _varied(options, attempt_options, number),
                    names,
                    adapters=adapters[number % len(adapters)] if adapters else None,
                    parent=nesting,
                    person=person,
                    label=label(recipe.name, number + 1),
                )
            )
    except BaseException:
        nesting.end()
        raise
    group = AttemptGroup(
        id=run_id,
        recipe=recipe,
        history=history,
        nesting=nesting,
        model=", ".join(dict.fromkeys(run.cycle.model.name for run in runs)),
        runs=runs,
        share=attempt_options.share,
    )
    started = RunStarted(
        loop=recipe.name,
        goal=recipe.goal,
        source=recipe.source,
        fingerprint="",
        model=group.model,
        isolation=options.sandbox,
        budget=asdict(nesting.ledger.budget),
        price=None,
        options=options.written | {"attempts": asdict(attempt_options) | {"models": list(attempt_options.models)}},
        targets=[target.name for target in recipe.targets],
        checks=[{"name": check.name, "hidden": check.hidden, "kind": check.kind} for check in recipe.checks],
        code=recipe.asks_for_code,
        version=__version__,
        journal=history.journal.token,
    )
    group.future = background.submit(group.follow(recorder, started))
    run_groups.register(group)
    return group


def _nesting(run_id: str, name: str, options: Options, history: object) -> RunNesting:
    from jupyter_loops.history import History

    assert isinstance(history, History)
    budget, parent = replace(options.budget, iterations=None), CURRENT.get()
    if parent is None:
        ledger = Ledger.within(within_notebook(history.day(options.daily_usd)), budget, ignore_spending)
        return RunNesting(run=run_id, name=name, ledger=ledger, control=Control())
    depth = parent.deeper(name)
    ledger = parent.ledger.child(budget, ignore_spending, scope=f"the loop {parent.name} around it")
    nesting = RunNesting(run=run_id, name=name, ledger=ledger, control=Control(), depth=depth)
    parent.take_in(nesting)
    return nesting


def _varied(options: Options, attempts: AttemptOptions, number: int) -> Options:
    """The options of one attempt: another model in turn, another seed, another temperature."""
    changes: dict[str, object] = {}
    if attempts.models:
        changes["model"] = attempts.models[number % len(attempts.models)]
    if options.seed is not None:
        changes["seed"] = options.seed + number
    if options.temperature is None:
        changes["temperature"] = _TEMPERATURES[number % len(_TEMPERATURES)]
    return replace(options, **changes)  # type: ignore[arg-type]  # one name a field
