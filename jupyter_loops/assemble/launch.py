"""Starts a run from a recipe and its options, on the engine's thread."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from jupyter_loops import runs, telemetry
from jupyter_loops.continuation import Continuation
from jupyter_loops.core.policy import HubPolicy
from jupyter_loops.core.ports import Listener
from jupyter_loops.core.recipe import Recipe
from jupyter_loops.engine import background
from jupyter_loops.engine.event_recorder import EventRecorder
from jupyter_loops.engine.origin import Origin
from jupyter_loops.engine.prompt_retention import PromptRetention
from jupyter_loops.engine.run_context import RunContext
from jupyter_loops.engine.run_nesting import CURRENT, RunNesting
from jupyter_loops.errors import OptionError, PreflightError
from jupyter_loops.options import FORMER, Options
from jupyter_loops.run import Run
from jupyter_loops.view.attendance import attended
from jupyter_loops.view.notebook_place import notebook_place

from .adapters import Adapters, replaying, serving
from .collaborators import Person, make_family, make_layout
from .governed import governed
from .history_lookup import HistoryLookup
from .learning import learning
from .run_cycle import make_cycle
from .run_world import make_world
from .stored import broken_off


def launch(
    recipe: Recipe,
    options: Options | None = None,
    names: Mapping[str, object] | None = None,
    listeners: Sequence[Listener] = (),
    adapters: Adapters | None = None,
    *,
    parent: RunNesting | None = None,
    origin: Origin | None = None,
    person: Person | None = None,
    label: str = "",
) -> Run:
    """Start a run on the engine's thread and return at once.

    Raises PreflightError and OptionError at once for what the kernel can check. Errors of the sandbox and the model
    are raised where the run is awaited. `label` is how the history calls one of several runs of a recipe.
    """
    from jupyter_loops.history import open_history
    from jupyter_loops.tools.toolbox import FunctionToolbox

    policy = HubPolicy.here()
    options = governed(options or Options(), recipe, policy)
    person = person or Person(there=attended(), namespace=names or {})
    if origin is None and (continuation := broken_off(recipe, options)):
        origin = continuation.origin
    world = make_world(recipe, options, names or {})
    toolbox = FunctionToolbox.of(recipe, options.tools, names or {}, options.tool_timeout)
    origin = origin or Origin()
    adapters = adapters or Adapters.of(options, origin.restored.answered if origin.restored else 0)
    history = open_history(options.history)
    run_id = origin.run_id or new_id()
    notice_count = len(history.notices)
    seq = origin.restored.seq if origin.restored else 0
    retention = PromptRetention(options.store_prompts)
    recorder = EventRecorder(run_id, history.journal, listeners, seq, retention, observers=telemetry.observers())
    if options.keep_files:
        world = replace(world, artifacts=history.artifacts(run_id))
    for notice in [*([f"this hub: {policy}"] if policy.sources else []), *history.notices[notice_count:]]:
        recorder.note(notice)
    parent = parent or CURRENT.get()
    family = make_family(run_id, recipe.name, options, recorder, parent, history=history, priced=policy.in_dollars)
    context = RunContext(family.control, family.ledger, recorder)
    if parent is not None and origin.parent is None:
        origin = replace(origin, parent=parent.run, relation="nested")
    place = notebook_place()
    cycle = make_cycle(
        world,
        options,
        adapters,
        context=context,
        inputs=HistoryLookup(recipe, options, adapters.model, history, recorder, origin, toolbox.offers, label, place),
        toolbox=toolbox,
        person=person,
        lineage=family,
        restored=origin.restored,
        layout=make_layout(recipe, options, names or {}),
    )
    running = learning(cycle.run(), history, recipe.name, run_id) if options.learn else cycle.run()
    future = background.submit(running)
    future.add_done_callback(lambda _: origin.let_go())
    future.add_done_callback(history.tell(lambda notice: background.soon(recorder.note, notice)))
    run = Run(
        id=run_id,
        recipe=recipe,
        history=history,
        cycle=cycle,
        future=future,
        pursue=pursue,
        serve=serving(options, world),
        parent=origin.parent,
        relation=origin.relation,
        place=place,
    )
    if not label:  # otherwise who started it answers for it
        runs.add(run)
    return run


def pursue(
    continuation: Continuation,
    names: Mapping[str, object] | None = None,
    listeners: Sequence[Listener] = (),
    adapters: Adapters | None = None,
    **changes: Any,
) -> Run:
    """Go on with a stored run, or start from it. `changes` replace its options.

    Raises PreflightError, naming what the notebook lacks, and OptionError.
    """
    missing = continuation.missing(names or {})
    if missing:
        continuation.origin.let_go()
        raise PreflightError(
            f"{continuation.recipe.name} reads {', '.join(missing)}, and the notebook does not have that yet: "
            "first run the cells that define it"
        )
    option_names = {option.name for option in fields(Options)}
    stored = {FORMER.get(name, name): value for name, value in continuation.options.items()}
    try:
        options = Options.of({name: stored[name] for name in option_names & stored.keys()} | changes)
    except OptionError:
        continuation.origin.let_go()
        raise
    if continuation.origin.restored is not None and options.model != continuation.options["model"]:
        continuation.origin.restored.answered = 0  # a script of its own begins at its beginning
    if continuation.answers is not None:
        adapters, options = replaying(continuation.answers, options, changes)
    try:
        return launch(continuation.recipe, options, names, listeners, adapters, origin=continuation.origin)
    except BaseException:
        continuation.origin.let_go()
        raise


def new_id() -> str:
    """A run id that sorts by time and is the same in no two processes."""
    return f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{secrets.token_hex(4)}"
