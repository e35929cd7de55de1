"""`%%loop`: states a goal and its checks, and runs until they pass or a limit is reached."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import (
    Magics,
    cell_magic,
    line_cell_magic,
    line_magic,
    magics_class,
    needs_local_scope,
    no_var_expand,
)
from traitlets import Bool, Float, Int, List, Unicode

from jupyter_loops.errors import OptionError

from .line import MAP_OPTIONS, read_line
from .usage import usage

if TYPE_CHECKING:
    from jupyter_loops.assemble import DryRun, Options
    from jupyter_loops.core.ports import Listener
    from jupyter_loops.core.recipe import Recipe
    from jupyter_loops.mapping.map_options import MapOptions
    from jupyter_loops.mapping.map_run import MapRun
    from jupyter_loops.run import Run

    from .cell_execution import CellExecution
    from .map_execution import MapExecution

_INSTEAD = {
    "dry_run": ": --sample N shows what the rows cost",
    "resume": ": the cell itself goes on with what is missing",
}
_LIMITS = ("usd", "tokens", "time", "iterations", "calls")


@dataclass(frozen=True, slots=True, kw_only=True)
class CellOrder:
    """What a cell asks for: the recipe and the options."""

    recipe: Recipe
    options: Options
    names: Mapping[str, object]
    background: bool
    no_raise: bool
    insert: bool
    dry_run: bool
    map_rows: MapRows | None = None  # of --over


@dataclass(frozen=True, slots=True)
class MapRows:
    """The table of a map, and the options that a map has besides."""

    table: object
    options: MapOptions


@magics_class
class LoopMagics(Magics):
    """Defaults of the %%loop line."""

    model = Unicode(None, allow_none=True, help="Model; None: JUPYTER_LOOPS_MODEL, then `local`.").tag(config=True)
    api_base = Unicode(None, allow_none=True, help="Address of an OpenAI-compatible server.").tag(config=True)
    fallback = List(Unicode(), help="Models that are asked, in order, when the first cannot answer.").tag(config=True)
    usd = Float(1.0, allow_none=True, help="Most US dollars of a run; None: no limit.").tag(config=True)
    tokens = Int(None, allow_none=True, help="Most tokens of a run; None: no limit.").tag(config=True)
    time = Float(600.0, allow_none=True, help="Longest time of a run, in seconds; None: no limit.").tag(config=True)
    iterations = Int(10, allow_none=True, help="Most rounds of a run; None: no limit.").tag(config=True)
    calls = Int(None, allow_none=True, help="Most model calls of a run; None: no limit.").tag(config=True)
    price = Unicode(None, allow_none=True, help="Dollars for a million tokens, IN,OUT; None: list.").tag(config=True)
    until = Unicode(None, allow_none=True, help="Conditions that end a run, e.g. `Plateau(3)`.").tag(config=True)
    daily_usd = Float(None, allow_none=True, help="Most US dollars of all notebooks in a day (UTC).").tag(config=True)
    landing = Float(0.8, help="Share of a limit from which on the model hears what is left.").tag(config=True)
    patience = Int(None, allow_none=True, help="Rounds without progress before a run ends; None: all.").tag(config=True)
    repeat = Int(1, help="Passes in fresh children before a result counts.").tag(config=True)
    all_checks = Bool(default_value=False, help="Run every check of a layer that has failed.").tag(config=True)
    watchdog = Float(300.0, allow_none=True, help="Seconds without a step that end a run; None: all.").tag(config=True)
    escalate = List(Unicode(), help="Models that are asked, in order, when the first gets stuck.").tag(config=True)
    adaptive = Bool(default_value=True, help="Choose how to ask by measured gain; False: by schedule.").tag(config=True)
    stop_if = Unicode(None, allow_none=True, help="A rule over the forecast that ends a run.").tag(config=True)
    temperature = Float(None, allow_none=True, help="Of the model, 0 to 2; None: a schedule.").tag(config=True)
    max_tokens = Int(None, allow_none=True, help="Most tokens of one answer; None: by the model.").tag(config=True)
    call_timeout = Float(None, allow_none=True, help="Seconds for one answer; None: two minutes.").tag(config=True)
    timeout = Float(10.0, help="Seconds for one candidate and its checks.").tag(config=True)
    setup_timeout = Float(120.0, allow_none=True, help="Seconds for the set-up; None: no limit.").tag(config=True)
    memory = Int(2 * 1024**3, help="Bytes for one candidate.").tag(config=True)
    seed = Int(None, allow_none=True, help="For models that take one.").tag(config=True)
    judge_model = Unicode(None, allow_none=True, help="Grades judge(...); None: the same model.").tag(config=True)
    judge_api_base = Unicode(None, allow_none=True, help="Address of the judge's server.").tag(config=True)
    judge_votes = Int(1, help="How often the judge is asked; the median counts.").tag(config=True)
    auto_approve = Bool(default_value=False, help="approve(...) is true without a person.").tag(config=True)
    sandbox = Unicode("auto", help="Isolation of candidates: auto, bubblewrap, landlock, container or process.").tag(
        config=True
    )
    image = Unicode(None, allow_none=True, help="Container image; None: python:3.x-slim.").tag(config=True)
    deliver = Unicode("code", help="code, or sandboxed: functions stay in the sandbox.").tag(config=True)
    allow_imports = List(Unicode(), None, allow_none=True, help="Modules that candidates may import; None: all.").tag(
        config=True
    )
    deny_imports = List(Unicode(), help="Modules that candidates must not import.").tag(config=True)
    history = Unicode(
        None, allow_none=True, help="DuckDB file, quack:… or ducklake:…; None: in the user's data folder."
    ).tag(config=True)
    background = Bool(default_value=False, help="Return the Run at once.").tag(config=True)
    no_raise = Bool(default_value=False, help="Return the Run even when it is not verified.").tag(config=True)
    insert = Bool(default_value=False, help="Put the produced code into a new cell below.").tag(config=True)
    give = List(Unicode(), help="Names that candidates get although they hold secrets.").tag(config=True)
    keep_files = Bool(default_value=False, help="Keep what candidates write, beside the history.").tag(config=True)
    fresh = Bool(default_value=False, help="Search anew, even where a result is stored.").tag(config=True)
    tools = List(Unicode(), help="Functions of the notebook that the model may call.").tag(config=True)
    tool_calls = Int(10, help="Calls of tools in a round.").tag(config=True)
    tool_timeout = Float(60.0, allow_none=True, help="Seconds for one call of a tool; None: all.").tag(config=True)
    store_prompts = Unicode("full", help="What is kept of what a model is asked: full, hash, off.").tag(config=True)
    context = Unicode("fresh", help="fresh, or rolling: the newest rounds as they were.").tag(config=True)
    prompt_file = Unicode(None, allow_none=True, help="A template for prompts; None: the planner's own.").tag(
        config=True
    )
    resume = Bool(default_value=False, help="Go on with an interrupted run of the same cell.").tag(config=True)

    def __init__(self, shell: Any) -> None:
        super().__init__(shell=shell)
        self._ipython = shell
        self.shown: set[str] = set()  # runs whose own cell shows them, so their value need not

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    def loop(self, line: str, cell: str | None = None, local_ns: Mapping[str, Any] | None = None) -> Any:
        """Run a loop: `%%loop NAME [options]` above a goal, a target and its checks. Bare `%loop`: help and runs."""
        if cell is None:
            return self._front(line)
        order = self._read(line, cell, local_ns)
        if order is None:
            return None
        if order.dry_run:
            return _dry_run(order)
        execution = self._start(order, clicks=order.background)
        return self._value(execution.leave() if order.background else execution.block())

    @no_var_expand
    @line_magic("%loop")  # type: ignore[arg-type]  # what IPython looks for where the line is not its cell's first
    def loop_below(self, _line: str) -> None:
        """Say where `%%loop` has to stand."""
        raise UsageError("%%loop has to be the first line of its cell; only remarks may stand above it")

    @no_var_expand
    @needs_local_scope
    @cell_magic("_loop_awaited")  # type: ignore[arg-type]  # a name other than the method's
    async def loop_awaited(self, line: str, cell: str, local_ns: Mapping[str, Any] | None = None) -> Any:
        """What a %%loop cell becomes where it can be awaited; not to be written by hand."""
        order = self._read(line, cell, local_ns)
        if order is None:
            return None
        if order.dry_run:
            import asyncio

            return await asyncio.to_thread(_dry_run, order)
        execution = self._start(order, clicks=True)
        return self._value(execution.leave() if order.background else await execution.follow())

    def default(self, name: str) -> object:
        """The value of an option that a cell does not give."""
        if name == "model" and self.model is None:
            from jupyter_loops.assemble import Options

            return Options().chosen_model
        return getattr(self, name, None)

    def _front(self, line: str) -> Any:
        from . import help as pages
        from .run_table import recent

        if line.strip() in {"-h", "--help"}:
            print(pages.full(self.default))  # noqa: T201  # a magic's help goes where print goes
            return None
        if line.strip():
            raise UsageError("a loop needs a body: write %%loop with two percent signs, and the goal below it")
        print(pages.short(self.default), end="\n\n")  # noqa: T201  # as above
        return recent(self.history)

    def _read(self, line: str, cell: str, local_ns: Mapping[str, Any] | None) -> CellOrder | None:
        """The order, or None when only help was asked for. Raises UsageError, PreflightError."""
        from jupyter_loops.language import parse

        from .namespace import gather

        namespace = self._ipython.user_ns
        if local_ns is not None and local_ns is not namespace:
            namespace = ChainMap(dict(local_ns), namespace)
        with usage("%%loop"):
            first_line = read_line(line, namespace)
            if first_line.options.get("help"):
                self._front("--help")
                return None
            recipe = parse(cell, first_line.name)
            map_rows = self._map_rows(first_line.options, namespace)
            needed = recipe if map_rows is None else replace(recipe, uses=recipe.uses - {"row"})
            names = ChainMap(gather(needed, namespace), namespace)  # the others as they are when a candidate reads them
            return replace(self._order(recipe, names, first_line.options), map_rows=map_rows)

    def _map_rows(self, options: Mapping[str, Any], namespace: Mapping[str, object]) -> MapRows | None:
        """What --over asks for; None without it. Raises OptionError, PreflightError."""
        map_only = [name for name in MAP_OPTIONS if name in options and name != "over"]
        if "over" not in options:
            if map_only:
                raise OptionError(f"--{map_only[0]} is for a map: name its rows with --over")
            return None
        for name in ("insert", "resume", "dry_run", "keep_files"):
            if options.get(name):
                raise OptionError(f"--{name.replace('_', '-')} does not go with --over{_INSTEAD.get(name, '')}")
        from jupyter_loops.mapping.map_options import MapOptions

        from .map_execution import rows_of

        chosen = MapOptions(**{name: options[name] for name in ("over", *map_only)})
        return MapRows(rows_of(chosen.over, namespace), chosen)

    def options(self, line_options: Mapping[str, Any] | None = None) -> Options:
        """The options of a line, and the configured ones where it says nothing. Raises OptionError."""
        from jupyter_loops.assemble import Options

        chosen = partial(self._chosen, line_options or {})
        return Options(**{field.name: chosen(field.name) for field in fields(Options)})

    def _chosen(self, line_options: Mapping[str, Any], name: str) -> Any:
        value = line_options.get(name, getattr(self, name))
        return tuple(value) if isinstance(value, list) else value

    def _order(self, recipe: Recipe, names: Mapping[str, object], line_options: Mapping[str, Any]) -> CellOrder:
        options, chosen = self.options(line_options), partial(self._chosen, line_options)
        if all(getattr(options, limit) is None for limit in _LIMITS):
            raise OptionError("a run needs at least one limit of --usd, --tokens, --time, --iterations and --calls")
        if chosen("background") and chosen("insert"):
            raise OptionError("--insert needs a cell that waits: leave --background away")
        return CellOrder(
            recipe=recipe,
            options=options,
            names=names,
            background=chosen("background"),
            no_raise=chosen("no_raise"),
            insert=chosen("insert"),
            dry_run=line_options.get("dry_run", False),
        )

    def _start(self, order: CellOrder, *, clicks: bool) -> CellExecution | MapExecution:
        if order.map_rows is not None:
            return self._start_map(order, order.map_rows, clicks=clicks)
        from jupyter_loops.assemble import Person, broken_off, launch
        from jupyter_loops.view.attendance import attended

        from .cell_execution import CellExecution

        with usage("%%loop"):
            continuation = broken_off(order.recipe, order.options)

        def begin(listener: Listener) -> Run:
            origin = continuation.origin if continuation else None
            there = clicks and (attended() or not hasattr(self._ipython, "kernel"))  # or at a terminal's prompt
            person = Person(there=there, namespace=self._ipython.user_ns)
            return launch(order.recipe, order.options, order.names, [listener], origin=origin, person=person)

        execution = CellExecution(
            shell=self._ipython,
            recipe=order.recipe,
            begin=begin,
            story=continuation.story if continuation else (),
            raises=not order.no_raise,
            insert=order.insert,
        )
        with usage("%%loop"):
            execution.start(clicks=clicks)
        return execution

    def _start_map(self, order: CellOrder, map_rows: MapRows, *, clicks: bool) -> MapExecution:
        from jupyter_loops.assemble import Person
        from jupyter_loops.mapping.launch_map import launch_map
        from jupyter_loops.view.attendance import attended

        from .map_execution import MapExecution

        person = Person(there=clicks and attended(), namespace=self._ipython.user_ns)

        def begin(changed: Callable[[], None]) -> MapRun:
            return launch_map(
                order.recipe,
                map_rows.table,
                order.options,
                map_rows.options,
                order.names,
                person=person,
                changed=changed,
            )

        execution = MapExecution(shell=self._ipython, name=order.recipe.name, begin=begin, raises=not order.no_raise)
        with usage("%%loop"):
            execution.start()
        return execution

    def _value(self, run: Run | MapRun) -> Run | MapRun:
        self.shown.add(run.id)
        return run


def _dry_run(order: CellOrder) -> DryRun:
    from jupyter_loops.assemble import dry_run

    with usage("%%loop"):
        return dry_run(order.recipe, order.options, order.names)
