"""The `%loops` subcommands for maps and attempts: pause, resume, stop, approve, reject, raise-budget, show."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from jupyter_loops.errors import OptionError, PreflightError
from jupyter_loops.options import Option, units

from . import maps_here, run_table
from .line import read_options

if TYPE_CHECKING:
    from jupyter_loops.mapping.map_run import MapRun
    from jupyter_loops.run_groups import RunGroup

NO_MAP = object()  # the line is about something else
_LIMITS = (
    Option(name="usd", help="", shape="DOLLARS", read=units.or_none(units.dollars)),
    Option(name="tokens", help="", shape="COUNT", read=units.or_none(units.count)),
    Option(name="time", help="", shape="TIME", read=units.or_none(units.seconds)),
    Option(name="calls", help="", shape="COUNT", read=units.or_none(units.count)),
)


def answer(word: str, words: Sequence[str]) -> Any:
    """What a subcommand does with a map of this kernel; NO_MAP where it means none."""
    act = _ACTS.get(word)
    if act is None or not (maps := maps_here.registered()):
        return NO_MAP
    named = next((run for run in reversed(maps) if words and words[0] in {run.name, run.id}), None)
    if named is not None and run_table.find(words[0]) is None:
        return act(named, words[1:])
    live = [run for run in maps if not run.future.done()]
    newest = run_table.newest()
    anonymous = not words or words[0].startswith("-") or (word in {"approve", "reject"} and named is None)
    if anonymous and live and (newest is None or newest.future.done() or newest.id < live[-1].id):
        return act(live[-1], words)
    return NO_MAP


def _live(run: RunGroup) -> RunGroup:
    if run.future.done():
        raise OptionError(f"{run.name} has ended already")
    return run


def _show(run: RunGroup, words: Sequence[str]) -> Any:
    if words:
        return NO_MAP  # about a prompt, which only its runs have
    run.show()
    return None


def _pause(run: RunGroup, _: Sequence[str]) -> str:
    _live(run).pause()
    return f"{run.name} is held"


def _resume(run: RunGroup, words: Sequence[str]) -> Any:
    if run.future.done():
        return NO_MAP  # a stored run from now on
    if words:
        raise OptionError(f"unexpected {words[0]!r}: %loops raise-budget {run.name} changes its limits")
    run.resume()
    return f"{run.name} goes on"


def _stop(run: RunGroup, _: Sequence[str]) -> str:
    _live(run).stop()
    return f"{run.name} stops; what is done is kept"


def _hint(run: RunGroup, words: Sequence[str]) -> str:
    if not words:
        raise OptionError(f'give the hint as well: %loops hint {run.name} "try a regular expression"')
    _live(run).hint(" ".join(words))
    return f"{run.name} tells its model in the next round of what is at work"


def _refuse_rounds(run: RunGroup, _: Sequence[str]) -> str:
    raise OptionError(
        f"{run.name} has no rounds of its own: %loops hint, pause, stop and raise-budget steer all that it runs"
    )


def _approve(run: RunGroup, words: Sequence[str]) -> str:
    _live(run).approve(" ".join(words))
    return f"{run.name} goes on: approved"


def _reject(run: RunGroup, words: Sequence[str]) -> str:
    _live(run).reject(" ".join(words))
    return f"{run.name}: rejected"


def _raise_budget(run: RunGroup, words: Sequence[str]) -> str:
    limits = read_options(words, _LIMITS, {})
    limits.pop("", None)
    if not limits:
        raise OptionError("say which limit: --usd, --tokens, --time or --calls")
    _live(run).raise_budget(**{"seconds" if name == "time" else name: value for name, value in limits.items()})
    return f"{run.name} may now use {', '.join(f'{name} {value:g}' for name, value in limits.items())}"


_ACTS: dict[str, Callable[[RunGroup, Sequence[str]], Any]] = {
    "show": _show,
    "pause": _pause,
    "resume": _resume,
    "stop": _stop,
    "hint": _hint,
    "step": _refuse_rounds,
    "set": _refuse_rounds,
    "approve": _approve,
    "reject": _reject,
    "raise-budget": _raise_budget,
}
WORDS = frozenset(_ACTS)


def is_map(row: dict[str, Any]) -> bool:
    """Whether a row of `runs` is a map's."""
    return "map" in _options(row)


def refuse_group(row: dict[str, Any], instead: str) -> None:
    """Raise OptionError where a row of `runs` is a map's or that of attempts; `instead` is what a map's user can do."""
    name = row["loop"]
    if is_map(row):
        raise OptionError(f"{name} is a map, without rounds of its own: {instead}")
    if "attempts" in _options(row):
        raise OptionError(f"{name} is several attempts, without rounds of its own: name one, such as {name}[1]")


def refuse_row(row: dict[str, Any]) -> None:
    """Raise OptionError where a row of `runs` is that of a map's row, which has no cell of its own."""
    if row["relation"] == "nested" and row["loop"].endswith("]") and not row["source_sha"]:
        name = row["loop"].partition("[")[0]
        raise OptionError(
            f"{row['loop']} is a row of the map {name}, without a cell of its own: %loops resume {name} goes on with it"
        )


def _options(row: dict[str, Any]) -> dict[str, Any]:
    options = row["options"]
    return (json.loads(options) if isinstance(options, str) else options) or {}


def resume(shell: Any, row: dict[str, Any], source: str, changes: dict[str, Any], history: str | None) -> MapRun:
    """Go on with a stored map: finished rows are verified from the history, the others are worked on.

    Raises PreflightError, OptionError where the notebook does not have its rows.
    """
    from dataclasses import replace

    from jupyter_loops.core.row import ROW
    from jupyter_loops.language import parse
    from jupyter_loops.mapping.launch_map import launch_map
    from jupyter_loops.mapping.map_options import MapOptions
    from jupyter_loops.options import Options

    from .map_execution import MapExecution, rows_of
    from .namespace import gather

    stored = _options(row)
    written = stored.pop("map")
    if not written["over"]:
        raise PreflightError(f"{row['loop']} was started from Python: Loop.map with the same rows goes on with it")
    recipe, namespace = parse(source, row["loop"]), shell.user_ns
    table = rows_of(written["over"], namespace)
    gather(replace(recipe, uses=recipe.uses - {ROW}), namespace)
    fields = Options.__dataclass_fields__
    stored = {name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()}
    options = Options.of(
        {name: value for name, value in stored.items() if name in fields} | changes | {"history": history}
    )
    map_options = MapOptions(**written | {"models": tuple(written["models"]), "sample": None, "yes": True})
    execution = MapExecution(
        shell=shell,
        name=recipe.name,
        begin=lambda changed: launch_map(recipe, table, options, map_options, namespace, changed=changed),
        raises=False,
    )
    execution.start()
    return execution.leave()
