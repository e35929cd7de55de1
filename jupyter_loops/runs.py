"""The runs of this process: registered by id, found by name, and stopped when the process ends."""

from __future__ import annotations

import atexit
import functools
import os
from collections.abc import Callable
from concurrent.futures import wait

from jupyter_loops.core.termination import StopReason
from jupyter_loops.run import Run

_PREFIX = len("20261129T")  # characters of an id from which on its beginning stands for it
_runs: dict[str, Run] = {}  # by id: all that go on, and the latest of each name
_observers: list[Callable[[Run], object]] = []


def add(run: Run) -> None:
    """Register a run. An ended run of the same name is only in the history from now on."""
    for id_, other in list(_runs.items()):
        if other.name == run.name and other.future.done():
            _runs.pop(id_, None)
    _runs[run.id] = run
    for observer in tuple(_observers):
        observer(run)
    _end_with_the_process()


def observe(observer: Callable[[Run], object]) -> Callable[[], None]:
    """Call `observer` with every run that is registered from now on; what is returned takes it back."""
    _observers.append(observer)
    return lambda: _observers.remove(observer)


def find(name: str) -> Run | None:
    """The run with this id or unique beginning of an id, or the newest of this name, one that goes on before others."""
    if name in _runs:
        return _runs[name]
    named = [run for run in registered() if run.name == name]
    if named:
        return next((run for run in reversed(named) if not run.future.done()), named[-1])
    matches = [run for run in registered() if run.id.startswith(name)] if len(name) >= _PREFIX else []
    return matches[0] if len(matches) == 1 else None


def registered() -> list[Run]:
    """The runs of this process that go on, and the latest of each name; the newest is last."""
    return list(_runs.values())


def live() -> list[Run]:
    """The runs of this process that go on, oldest first."""
    return [run for run in registered() if not run.future.done()]


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
