"""Everything that serving a candidate needs, prepared once in the fork server for its forks."""

from __future__ import annotations

import _socket
import linecache
import os
import select
import signal
import socket
import sys
from contextlib import suppress
from typing import Any

from jupyter_loops.execution.crossing.classes import Classes

from .candidate_child import CandidateChild
from .candidate_client import CandidateClient
from .candidate_process import CandidateProcess
from .candidate_world import MAPPED_FILES, CandidateWorld
from .confine import adopt_orphans, bounds, close_memory, hold
from .drawn_figures import Figures
from .examiner_process import Examine, Examiner
from .fault import CANDIDATE
from .import_watch import watch_imports
from .kernel_connection import KernelConnection
from .link import Link
from .rehearsal import OFTEN, rehearse
from .row_examiner import RowExaminer
from .session import part
from .shut_in import ChildRestrictions

_PATIENCE = 0.01  # seconds without a message, after which a child has time to rehearse


class ForkTemplate:
    """The prepared parts of one world, for every candidate that runs in it."""

    def __init__(
        self,
        world: CandidateWorld,
        stages: tuple[CandidateWorld, CandidateWorld],
        examine: Examine,
        check: dict[str, Any],
    ) -> None:
        """`stages` are empty worlds, and `check` the one of the candidate that is rehearsed there."""
        self._world, self._stages, self._examine, self._check = world, stages, examine, check
        self._figures = Figures(world.names)
        self._restrictions = ChildRestrictions(world.shut_in)
        self.look()

    def restrict(self, *, view: bool) -> None:
        """Make the restrictions anew: a process with threads gets no namespaces, and so no view of its own."""
        plan = self._world.shut_in
        self._restrictions = ChildRestrictions(plan if view else plan | {"view": {}})

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes for the user on how candidates are restricted."""
        return self._restrictions.notes

    def look(self) -> None:
        """Take the state of the world now as the one that candidates start from."""
        limits = self._world.limits
        self._bounds = [] if limits is None else bounds(limits)
        self._figures.begin()
        self._classes = Classes.of(self._world.names)

    def warm_up(self) -> None:
        """Run the code of every fork until the interpreter has specialised it."""
        for _ in range(OFTEN):
            self._rehearse()

    def _rehearse(self) -> None:
        rehearse(self._stages, self._examine, self._figures, self._classes, self._check)
        linecache.cache.pop(CANDIDATE, None)

    def _rehearse_while(self, waiting: int) -> None:
        """Rehearse once more, unless a message arrives first."""
        if not select.select([waiting], [], [], _PATIENCE)[0]:
            self._rehearse()

    def serve(self, wire: KernelConnection) -> None:
        """Fork the candidate's process, and be its examiner."""
        pid, link = self._fork(wire)
        self.examine(wire, pid, link)

    def serve_rows(self, wire: KernelConnection) -> None:
        """Be the examiner of rows of a map, which have no candidate's process."""
        close_memory(closed=True)
        hold(self._bounds)
        RowExaminer(self._world, wire, self._examine).serve()

    def examine(self, wire: KernelConnection, pid: int, link: Link) -> None:
        """Be the examiner of a candidate's process that has started."""
        close_memory(closed=True)
        hold(self._bounds)
        self._world.restore_random()
        self._rehearse_while(wire.fileno())
        _break_off_on_exit(pid, link)
        world = self._world
        remote = CandidateClient(
            link, self._classes, {name: world.names[name] for name in world.names.keys() - world.changing}
        )
        Examiner(world, wire, self._examine, CandidateChild(pid, remote), self._figures).serve()

    def be_candidate(self, connection: _socket.socket) -> None:
        """Be a candidate's process for the examiner at the other end; never returns."""
        try:
            part(MAPPED_FILES)
            self._restrictions.begin()
            hold(self._bounds)
            self._world.restore_random()
            watch_imports(self._world.imports, self._world.names, self._world.sources)
            self._rehearse_while(connection.fileno())
            link = Link(connection)
            shut_in = self._restrictions.shut_in
            CandidateProcess(self._world, link, self._figures, self._classes, shut_in).serve()
        except BaseException:  # noqa: BLE001 - printed to stderr, which the kernel reads
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        finally:
            os._exit(0)

    def _fork(self, wire: KernelConnection) -> tuple[int, Link]:
        examiner_end, candidate_end = socket.socketpair()
        pid = os.fork()
        if not pid:
            wire.close()
            examiner_end.close()
            adopt_orphans(die_with_parent=True)
            close_memory(closed=False)
            self.be_candidate(candidate_end)
        candidate_end.close()
        return pid, Link(examiner_end, self._world.most)


def _break_off_on_exit(pid: int, link: Link) -> None:
    """Shut down the link when the candidate exits: a process that it started may hold the link open."""
    if not hasattr(os, "waitid") or not hasattr(signal, "SIGCHLD"):
        return

    def look(*_: object) -> None:
        with suppress(ChildProcessError):
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                link.break_off()

    signal.signal(signal.SIGCHLD, look)
    look()
