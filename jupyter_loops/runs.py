"""The runs of this process: found by name, and ended with it."""

from __future__ import annotations

import atexit
import functools
import os
from collections.abc import Callable
from concurrent.futures import wait

from jupyter_loops.core.termination import StopReason
from jupyter_loops.run import Run

_runs: dict[str, Run] = {}  # the latest of each name


def add(run: Run) -> None:
    """Make it known."""
    _runs[run.name] = run
    _end_with_the_process()


def find(name: str) -> Run | None:
    """The latest run of this process with this name or id."""
    return _runs.get(name) or next((run for run in _runs.values() if run.id == name), None)


def known() -> list[Run]:
    """The latest run of each name in this process, oldest first."""
    return sorted(_runs.values(), key=lambda run: run.id)


def live() -> list[Run]:
    """The runs of this process that go on, oldest first."""
    return [run for run in _runs.values() if not run.future.done()]


def end_all(patience: float = 3.0) -> None:
    """End every run of this process and wait, as a kernel does that goes: what they have so far is kept."""
    going = live()
    for run in going:
        run.stop(StopReason.INTERRUPTED)
    wait([run.future for run in going], patience)


@functools.cache
def _end_with_the_process() -> None:
    """Called with the first run, when the history is imported: what is registered later is called earlier."""
    atexit.register(end_all)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_runs.clear)  # they go on in the parent


def on_end(run: Run, then: Callable[[Run], object]) -> None:
    """Call `then` once the run is over, on the engine's thread."""
    run.future.add_done_callback(lambda _: then(run))
