"""The public face of a recipe: a loop that can be run without a notebook."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from jupyter_loops.assemble import Options, Person, launch
from jupyter_loops.core.recipe import Recipe
from jupyter_loops.engine.approval_gate import Callback
from jupyter_loops.language import parse
from jupyter_loops.loop_chain import LoopChain
from jupyter_loops.mapping.launch_map import launch_map
from jupyter_loops.mapping.map_options import MapOptions
from jupyter_loops.mapping.map_run import MapRun
from jupyter_loops.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop(Recipe):
    """A frozen recipe: goal, targets and checks. `run()` pursues it; a loop can be run many times."""

    @classmethod
    def from_cell(cls, source: str, name: str = "loop") -> Loop:
        """Read the body of a %%loop cell. Raises CellError."""
        recipe = parse(source, name)
        return cls(**{field.name: getattr(recipe, field.name) for field in fields(recipe)})

    def run(
        self,
        names: Mapping[str, object] | None = None,
        *,
        parent: Run | None = None,
        approve: Callback | None = None,
        tools: Sequence[Callable[..., Any] | str] = (),
        **options: Any,
    ) -> Run:
        """Start a run and return at once; `run.wait()` blocks until it ends, `await run` awaits it.

        `names` are the values that the recipe's set-up and checks read from outside. `options` are those of
        the %%loop line, as keywords: model, usd, tokens, time, iterations … (see `Options`).
        `approve` answers `approve(value)`: called on a thread with an `Approval`, it returns True, False, or a
        comment that rejects. Without it, a notebook's person is asked.
        `tools` are functions that the planner may call, or their names in `names`; see `tool`. They run on threads,
        and what they read of `names` is read when they are called.

        Inside another run (`parent`, or the run that is executing this very code) it spends that run's budget as
        well as its own, and ends with it. Raises PreflightError where runs are nested too deep.
        """
        person = None if approve is None else Person(callback=approve, namespace=names or {})
        lineage = None if parent is None else parent.cycle.lineage
        functions = {_name(tool): tool for tool in tools if not isinstance(tool, str)}
        chosen = tuple(map(_name, tools))
        names = ChainMap[str, object]({**functions}, names or {}) if functions else names  # type: ignore[arg-type]  # only read
        return launch(self, Options.of(options | {"tools": chosen}), names, parent=lineage, person=person)

    def then(self, following: Loop) -> LoopChain:
        """A chain of two loops: `following` reads the targets of this one as names; `run()` starts it."""
        return LoopChain((self, following))

    def map(
        self,
        rows: object,
        names: Mapping[str, object] | None = None,
        *,
        parent: Run | None = None,
        approve: Callback | None = None,
        **options: Any,
    ) -> MapRun:
        """Run the loop for each row of a table, all on one budget; returns at once.

        `rows` is a DataFrame, a polars or Arrow table, an Arrow reader, a DuckDB relation, a list, a dict or any
        iterable, which is read as it is needed. Goal, set-up and checks call the row `row`. `options` are those of
        `run`, where usd, tokens, time and calls hold for all rows together and iterations for each, and besides:
        key, the column that tells rows apart; sample, rows of a random pilot, after which `approve` is asked with the
        projection unless `yes`; concurrency, the most calls in flight (64); models, a cascade.

        `await run` or `run.wait()` gives the end; `run.rows` and `run.failed` are tables of the kind that came in.
        Raises PreflightError, OptionError.
        """
        map_options, row_options = MapOptions.split(options)
        person = Person(callback=approve, namespace=names or {})
        nesting = None if parent is None else parent.cycle.lineage
        return launch_map(self, rows, Options.of(row_options), map_options, names, person=person, parent=nesting)


def _name(tool: Callable[..., Any] | str) -> str:
    return tool if isinstance(tool, str) else getattr(tool, "__name__", type(tool).__name__)
