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
from traitlets import Bool

from jupyter_loops.errors import OptionError

from .line import ATTEMPT_OPTIONS, MAP_OPTIONS, Line, read_line
from .option_traits import option_traits
from .usage import usage

if TYPE_CHECKING:
    from jupyter_loops.assemble import DryRun, Options
    from jupyter_loops.attempts.attempt_group import AttemptGroup
    from jupyter_loops.attempts.launch_attempts import AttemptOptions
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
    attempts: AttemptOptions | None = None  # of --parallel


@dataclass(frozen=True, slots=True)
class MapRows:
    """The table of a map, and the options that a map has besides."""

    table: object
    options: MapOptions


@magics_class
class LoopMagics(Magics):
    """Defaults of the %%loop line."""

    history: str | None  # one of the traits
    locals().update(option_traits())  # a trait for each option that has a default
    background = Bool(default_value=False, help="Return the Run at once.").tag(config=True)
    no_raise = Bool(default_value=False, help="Return the Run even when it is not verified.").tag(config=True)
    insert = Bool(default_value=False, help="Put the produced code into a new cell below.").tag(config=True)

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
        if name == "model" and getattr(self, name) is None:
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
            map_rows, attempts = self._map_rows(first_line, namespace), _attempts(first_line.options)
            needed = recipe if map_rows is None else replace(recipe, uses=recipe.uses - {"row"})
            names = ChainMap(gather(needed, namespace), namespace)  # the others as they are when a candidate reads them
            order = self._order(recipe, names, first_line.options)
            return replace(order, map_rows=map_rows, attempts=attempts)

    def _map_rows(self, line: Line, namespace: Mapping[str, object]) -> MapRows | None:
        """What --over asks for; None without it. Raises OptionError, PreflightError."""
        options = line.options
        map_only = [name for name in MAP_OPTIONS if name in options and name != "over"]
        if "over" not in options:
            if map_only and not ("parallel" in options and map_only == ["models"]):
                raise OptionError(f"--{map_only[0]} is for a map: name its rows with --over")
            return None
        for name in ("parallel", "insert", "resume", "dry_run", "keep_files"):
            if options.get(name):
                raise OptionError(f"--{name.replace('_', '-')} does not go with --over{_INSTEAD.get(name, '')}")
        from jupyter_loops.mapping.map_options import MapOptions

        from .map_execution import rows_of

        chosen = MapOptions(**{name: options[name] for name in ("over", *map_only)})
        return MapRows(rows_of(chosen.over, namespace, line.name), chosen)

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

    def _start(self, order: CellOrder, *, clicks: bool) -> CellExecution | MapExecution[Any]:
        if order.map_rows is not None:
            return self._start_map(order, order.map_rows, clicks=clicks)
        if order.attempts is not None:
            return self._start_attempts(order, order.attempts, clicks=clicks)
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

    def _start_map(self, order: CellOrder, map_rows: MapRows, *, clicks: bool) -> MapExecution[Any]:
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

    def _start_attempts(self, order: CellOrder, attempts: AttemptOptions, *, clicks: bool) -> MapExecution[Any]:
        from jupyter_loops.assemble import Person
        from jupyter_loops.attempts.launch_attempts import launch_attempts
        from jupyter_loops.view.attendance import attended

        from .map_execution import MapExecution

        namespace = self._ipython.user_ns
        person = Person(there=clicks and attended(), namespace=namespace)

        def begin(_: Callable[[], None]) -> AttemptGroup:
            return launch_attempts(order.recipe, order.options, attempts, order.names, person=person)

        def bind(group: AttemptGroup) -> None:
            if group.accepted:
                group.bind(namespace)

        execution = MapExecution(
            shell=self._ipython, name=order.recipe.name, begin=begin, raises=not order.no_raise, then=bind
        )
        with usage("%%loop"):
            execution.start()
        return execution

    def _value(self, run: Any) -> Any:
        self.shown.add(run.id)
        return run


def _attempts(options: Mapping[str, Any]) -> AttemptOptions | None:
    """What --parallel asks for; None without it. Raises OptionError."""
    if "parallel" not in options:
        if "share" in options:
            raise OptionError("--share is for attempts side by side: --parallel 4")
        return None
    for name in ("insert", "resume", "dry_run"):
        if options.get(name):
            raise OptionError(f"--{name.replace('_', '-')} does not go with --parallel")
    from jupyter_loops.attempts.launch_attempts import AttemptOptions

    return AttemptOptions(**{name: options[name] for name in ATTEMPT_OPTIONS if name in options})


def _dry_run(order: CellOrder) -> DryRun:
    from jupyter_loops.assemble import dry_run

    with usage("%%loop"):
        return dry_run(order.recipe, order.options, order.names)
