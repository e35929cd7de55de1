"""All that serving a candidate needs, made once: in the zygote, for its forks."""

from __future__ import annotations

import linecache
from collections.abc import Callable
from typing import Any

from .attempt import Attempt, Examiner
from .confine import bounds, hold
from .fault import CANDIDATE
from .figures import Figures
from .guard import guarded
from .imports import watch_imports
from .rehearsal import OFTEN, Script
from .wire import Wire
from .world import World

Trust = Callable[..., Any]
_DATA = 10  # names of data that a fork looks at while it waits


class Preparation:
    """Of one world, for every candidate that will meet it."""

    def __init__(self, world: World, stage: World, examiner: Examiner, trust: Trust, check: dict[str, Any]) -> None:
        self._world, self._stage, self._examiner, self._trusting = world, stage, examiner, trust
        self._check = check  # of the candidate that is rehearsed
        watch_imports(world.imports, world.names, world.sources)
        self._figures = Figures(world.names)
        self.look()

    def look(self) -> None:
        """Take the world as it is now for the one that candidates meet."""
        limits = self._world.limits
        self._bounds = [] if limits is None else bounds(limits)
        self._figures.begin()
        self._guard = guarded(self._world)
        self._trust = self._trusting(self._world.names, self._guard.own)

    def warm_up(self) -> None:
        """Make the code quick that every fork will run."""
        for _ in range(OFTEN):
            self.rehearse()

    def begin(self) -> None:
        """From now on this process is one candidate's."""
        self._guard.begin()

    def rehearse(self) -> None:
        """Do once what will be done for a candidate, while there is none."""
        self._attempt(self._stage, Script(self._check), self._trusting(self._stage.names)).serve()
        linecache.cache.pop(CANDIDATE, None)
        if self._world.small:
            self._guard.after_checks([{"reads": self._world.small[:_DATA], "changes": ()}])

    def serve(self, wire: Wire) -> None:
        """Serve the candidate whose orders come on this wire, within its limits."""
        hold(self._bounds)
        self._attempt(self._world, wire, self._trust).serve()

    def _attempt(self, world: World, wire: Wire | Script, trust: Any) -> Attempt:
        return Attempt(world, wire, self._guard, self._figures, (self._examiner, trust))
