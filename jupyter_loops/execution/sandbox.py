"""The sandbox: one warm child for each run, and a fork of it for each candidate."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from jupyter_loops.core.candidate import Candidate
from jupyter_loops.core.ports import Readiness, World
from jupyter_loops.errors import SandboxError

from .attempt import ChildAttempt
from .background_tasks import BackgroundTasks
from .blueprint import EXAMINER, program
from .border import notes as examination_notes
from .cgroup import NOTE as CGROUP_NOTE
from .cgroup import Groups, find
from .child_launcher import ChildLauncher
from .container import IMAGE
from .fork import Fork
from .isolation import choose
from .lazy_names import LazyNames
from .machine_limits import CGROUPS
from .namespace_payload import NamespacePayload, pack
from .platform import Platform
from .pool import Pool, PoolSlot
from .pool import pool as shared_pool
from .prewarmed_child import PrewarmedChild, discard
from .private import private
from .row_batches import RowBatches
from .scratch import Scratch
from .tests import shown
from .worker import Worker
from .workers import Workers


class ZygoteSandbox:
    """Satisfies `core.ports.Sandbox`. The thread that opens it has to outlive it."""

    def __init__(
        self,
        isolation: str = "auto",
        examiner: str = EXAMINER,
        *,
        image: str | None = None,
        platform: Platform | None = None,
        pool: Pool | None = None,
        cgroups: Path = CGROUPS,
        watched: bool = True,
    ) -> None:
        """Without `watched` a module may have side effects while it is defined. The tests of limits need that."""
        self._level, self._examiner, self._image = isolation, examiner, image
        self._platform = platform or Platform.here()
        self._pool, self._cgroups = pool or shared_pool(), cgroups
        self._watched = watched
        self._groups: Groups | None = None
        self._scratch: Scratch | None = None
        self._workers: Workers | None = None
        self._private: NamespacePayload | None = None  # names that only hidden checks read
        self._tasks, self._under_way = BackgroundTasks(), 0  # attempts
        self._clearing = BackgroundTasks()  # ended attempts, until all their processes are dead

    async def open(self, world: World) -> Readiness:
        """Start the warm child and run the set-up. Raises SetupError, PreflightError, SandboxError."""
        self._isolation, notes = await asyncio.to_thread(choose, self._level, self._image, self._platform)
        self._groups = None if self._isolation == "container" else find(self._cgroups)  # a container limits itself
        self._world, passes = world, self._platform.passes_files
        self._scratch = Scratch(clear_root=passes and self._isolation != "container")
        root = self._scratch.root
        lazy_names = LazyNames(world.offered, _unavailable(world), None if passes else root, world.given)
        self._workers = Workers(world, self._start(root), self._examiner, lazy_names, self._groups)
        self._prewarmed = PrewarmedChild(self._workers, self._pool, self._tasks)
        private_names = await asyncio.to_thread(private, world.recipe, world.names)
        shared = {name: value for name, value in world.names.items() if name not in private_names}
        packing = asyncio.create_task(asyncio.to_thread(pack, shared, None if passes else root / "names"))
        try:
            worker, report = await self._workers.begin(packing)
            printed = worker.setup_output()
            self._private = await self._pack_private(private_names, passes=passes)
            self._scratch.retain()
            notes += (*examination_notes(report), *await self._first_child(worker, report["threads"]))
        except BaseException:
            packing.add_done_callback(_close_payload)
            await self.close()
            raise
        return Readiness(
            isolation=self._isolation,
            schemas=report["schemas"],
            stdout=printed,
            notes=notes,
            fingerprint=packing.result().fingerprint + self._private_fingerprint + world.tests_digest,
        )

    @asynccontextmanager
    async def attempt(self, candidate: Candidate) -> AsyncIterator[ChildAttempt]:
        """A new world for one candidate. The end of the context, or its cancellation, kills all its processes."""
        if self._scratch is None or self._workers is None:
            raise SandboxError("the sandbox is closed")
        if self._workers.needs_names(candidate):
            await asyncio.shield(self._tasks.begin(self._provide_names(self._workers, candidate)))
        scratch = self._scratch
        slot = self._pool.slot(self, self._world.limits.memory_bytes, self._world.aside)
        claimed, self._under_way = self._prewarmed.claim(), self._under_way + 1
        attempt = folder = None
        try:
            await asyncio.shield(self._clearing.done())
            folder = scratch.acquire()
            fork = await asyncio.shield(claimed)
            place = (self._isolation, folder, fork)
            attempt = ChildAttempt(self._world, candidate, *place, slot=slot, program=program(), private=self._private)
            yield attempt
        finally:
            cleanup = self._clearing.begin(self._finish(claimed, scratch, folder, slot))
            if attempt is None or not attempt.idle or not fork.kill_idle():  # else only the next attempt waits for it
                await asyncio.shield(cleanup)

    def row_batches(self, *, setup: Mapping[str, Any] | None, size: int) -> RowBatches | None:
        """Examines rows of a map in forks of the warm child; None where it cannot be forked.

        `setup` is the compiled part of the set-up that reads the row, `size` the most rows of one fork.
        """
        if self._workers is None or self._workers.now is None or not self._workers.now.forks:
            return None
        fork, isolation = partial(self._workers.fork, rows=True), self._isolation
        return RowBatches(
            self._world, fork, self._pool, isolation=isolation, setup=setup, size=size, private=self._private
        )

    async def close(self) -> None:
        """End all processes and remove all files. Idempotent."""
        workers, scratch = self._workers, self._scratch
        self._workers = self._scratch = None
        await self._clearing.done()
        await self._tasks.done()
        if self._private is not None:
            self._private.close()
        if workers is not None:
            await self._prewarmed.close()
            await workers.close()
        if scratch is not None:
            await _on_thread(scratch.close)
        if self._groups is not None:
            self._groups.close()

    async def _pack_private(self, names: frozenset[str], *, passes: bool) -> NamespacePayload | None:
        """Pack what only hidden checks read. It is sent with those checks. Raises PreflightError."""
        if not names:
            return None
        assert self._scratch is not None
        values = {name: self._world.names[name] for name in sorted(names)}
        return await asyncio.to_thread(pack, values, None if passes else self._scratch.root / "private")

    @property
    def _private_fingerprint(self) -> str:
        return "" if self._private is None else self._private.fingerprint

    async def _first_child(self, worker: Worker, threads: list[str]) -> tuple[str, ...]:
        """Prewarm a child, and return notes on it. If a fork of the worker dies, later children are not forked."""
        assert self._workers is not None
        notes: tuple[str, ...] = () if worker.forks else (_restart_note(_why_no_fork(threads)),)
        if worker.forks and not await self._workers.survives(worker):
            notes = (_restart_note("a fork of it dies, as some library in the set-up wants it"),)
        self._prewarmed.prepare()
        if self._workers.uses_cgroups and self._prewarmed.child is not None:
            await asyncio.wait({self._prewarmed.child})
        return (*notes, CGROUP_NOTE) if self._workers.uses_cgroups else notes

    async def _provide_names(self, workers: Workers, candidate: Candidate) -> None:
        if await workers.provide_names(candidate):
            await self._prewarmed.drop()

    async def _finish(
        self, claimed: asyncio.Future[Fork], scratch: Scratch, folder: Path | None, slot: PoolSlot
    ) -> None:
        try:
            await discard(claimed)
        finally:
            slot.release()
            self._under_way -= 1
            if self._scratch is not None and not self._under_way:
                self._prewarmed.prepare()
            if folder is not None:
                scratch.release(folder)
            if scratch.has_waste:  # up to a minute, if a candidate has built much
                self._tasks.begin(asyncio.to_thread(scratch.clear))

    def _start(self, root: Path) -> ChildLauncher:
        return ChildLauncher(
            isolation=self._isolation,
            scratch=root,
            limits=self._world.limits,
            shown=tuple(shown(self._world.roots, self._world.tests.values())),
            image=self._image or IMAGE,
            platform=self._platform,
            watched=self._watched,
        )


def _unavailable(world: World) -> set[str]:
    """Names that are not sent later: they were sent before the run, or the candidate or a tool defines them."""
    recipe = world.recipe
    return {*world.names, *(target.name for target in recipe.targets), *(tool.name for tool in recipe.tools)}


async def _on_thread(work: Callable[[], None]) -> None:
    """Do the work on a thread, or here if the interpreter is shutting down and starts no threads."""
    try:
        done = asyncio.get_running_loop().run_in_executor(None, work)
    except RuntimeError:
        work()
    else:
        await done


def _why_no_fork(threads: list[str]) -> str:
    if not threads:
        return "this platform cannot fork"
    advice = "start them in a function that candidates or checks call instead"
    return f"the set-up started threads ({', '.join(threads)[:200]}), which a fork would lose; {advice}"


def _restart_note(why: str) -> str:
    return f"each candidate gets a restarted child, which runs the set-up again, instead of a fork: {why}"


def _close_payload(packing: asyncio.Task[NamespacePayload]) -> None:
    """Free the payload of a child that did not start."""
    if not packing.cancelled() and packing.exception() is None:
        packing.result().close()
