"""Maps and attempts of this process: registered by id, found by name, and stopped when the process ends."""

from __future__ import annotations

import atexit
import functools
import os
from collections.abc import Callable
from concurrent.futures import Future, wait
from datetime import datetime
from typing import Protocol

from jupyter_loops.core.budget import Usage
from jupyter_loops.core.host_question import Approval
from jupyter_loops.core.termination import StopReason, Termination
from jupyter_loops.view.notebook_place import NotebookPlace


class GroupFigures(Protocol):
    """A group of runs at one moment, as a person sees it."""

    @property
    def asks(self) -> bool:
        """Whether something waits for a person."""
        ...

    def text(self) -> str:
        """As plain text."""
        ...

    def html(self) -> str:
        """As HTML without scripts."""
        ...


class RunGroup(Protocol):
    """Several runs on one ledger, steered as one."""

    id: str
    model: str
    future: Future[Termination]
    place: NotebookPlace  # of the cell that started it
    started_at: datetime

    @property
    def name(self) -> str:
        """The loop's name."""
        ...

    @property
    def began(self) -> bool:
        """Whether it is on record."""
        ...

    @property
    def usage(self) -> Usage:
        """What all runs have spent; `iterations` are the rounds of all."""
        ...

    @property
    def termination(self) -> Termination | None:
        """How it ended, or None."""
        ...

    @property
    def error(self) -> BaseException | None:
        """The exception that ended it, if it did not end with a Termination."""
        ...

    @property
    def waiting(self) -> Approval | None:
        """What waits for a person's word, or None."""
        ...

    @property
    def counts(self) -> tuple[int, int, int | None]:
        """Runs that are verified, that failed, and all that there will be; None where that is not known."""
        ...

    def figures(self) -> GroupFigures:
        """What a view draws of it now."""
        ...

    def show(self) -> None:
        """Display it as it stands now."""
        ...

    def check(self) -> None:
        """Raise NotVerified unless it is verified."""
        ...

    def stop(self, reason: StopReason = StopReason.STOPPED) -> None:
        """End now; what is done is kept."""
        ...

    def pause(self) -> None:
        """Hold."""
        ...

    def resume(self) -> None:
        """Go on."""
        ...

    def hint(self, text: str) -> None:
        """Tell the models something in the next round of what is at work."""
        ...

    def approve(self, comment: str = "", number: int | None = None) -> None:
        """Accept what waits. Raises LoopError where nothing does."""
        ...

    def reject(self, comment: str = "", number: int | None = None) -> None:
        """Refuse what waits. Raises LoopError where nothing does."""
        ...

    def raise_budget(self, **limits: float | None) -> None:
        """Set new limits of all runs together. Raises LoopError."""
        ...


_groups: dict[str, RunGroup] = {}  # by id: all that go on, and the latest of each name
_observers: list[Callable[[RunGroup], object]] = []


def observe(observer: Callable[[RunGroup], object]) -> Callable[[], None]:
    """Call `observer` with every group that is registered from now on; what is returned takes it back."""
    _observers.append(observer)
    return lambda: _observers.remove(observer)


def find(group_id: str) -> RunGroup | None:
    """The group with this id."""
    return _groups.get(group_id)


def register(group: RunGroup) -> None:
    """Register a group. An ended one of the same name is only in the history from now on."""
    for id_, other in list(_groups.items()):
        if other.name == group.name and other.future.done():
            _groups.pop(id_, None)
    _groups[group.id] = group
    for observer in tuple(_observers):
        observer(group)
    _end_with_the_process()


def registered() -> list[RunGroup]:
    """The groups that go on, and the latest of each name; the newest is last."""
    return list(_groups.values())


def end_all(patience: float = 5.0) -> None:
    """End every group and wait, as a kernel does that goes: what they have so far is kept."""
    going = [group for group in registered() if not group.future.done()]
    for group in going:
        group.stop(StopReason.INTERRUPTED)
    wait([group.future for group in going], patience)


@functools.cache
def _end_with_the_process() -> None:
    atexit.register(end_all)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_groups.clear)  # they go on in the parent
