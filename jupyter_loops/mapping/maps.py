"""The maps of this process: registered by id, found by name, and stopped when the process ends."""

from __future__ import annotations

import atexit
import functools
import os
from concurrent.futures import wait

from jupyter_loops.core.termination import StopReason

from .map_run import MapRun

_maps: dict[str, MapRun] = {}  # by id: all that go on, and the latest of each name


def register(run: MapRun) -> None:
    """Register a map. An ended map of the same name is only in the history from now on."""
    for id_, other in list(_maps.items()):
        if other.name == run.name and other.future.done():
            _maps.pop(id_, None)
    _maps[run.id] = run
    _end_with_the_process()


def find(name: str) -> MapRun | None:
    """The map with this id, or the newest of this name."""
    return _maps.get(name) or next((run for run in reversed(_maps.values()) if run.name == name), None)


def registered() -> list[MapRun]:
    """The maps that go on, and the latest of each name; the newest is last."""
    return list(_maps.values())


def end_all(patience: float = 5.0) -> None:
    """End every map and wait, as a kernel does that goes: what they have so far is kept."""
    going = [run for run in registered() if not run.future.done()]
    for run in going:
        run.stop(StopReason.INTERRUPTED)
    wait([run.future for run in going], patience)


@functools.cache
def _end_with_the_process() -> None:
    atexit.register(end_all)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_maps.clear)  # they go on in the parent
