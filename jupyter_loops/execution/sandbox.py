"""The sandbox: one warm child a run, one fork of it a candidate."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from jupyter_loops.core.candidate import Candidate
from jupyter_loops.core.ports import Readiness, World
from jupyter_loops.errors import SandboxError

from .attempt import ChildAttempt
from .background_tasks import BackgroundTasks
from .blueprint import EXAMINER, program
from .border import notes as said
from .cgroup import NOTE as HELD
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
from .scratch import Scratch
from .tests import shown
from .worker import Worker
from .workers import Workers


class ZygoteSandbox:
    """Satisfies `core.ports.Sandbox`. Open it on a thread that lives as long as it does."""

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
        """With `watched` off a module may act while it is defined, as the tests of limits want it to."""
        self._level, self._examiner, self._image = isolation, examiner, image
        self._platform = platform or Platform.here()
        self._pool, self._cgroups = pool or shared_pool(), cgroups
        self._watched = watched
        self._groups: Groups | None = None
        self._scratch: Scratch | None = None
        self._workers: Workers | None = None
        self._private: NamespacePayload | None = None  # names that only hidden checks read
        self._chores, self._under_way = BackgroundTasks(), 0  # attempts
        self._clearing = BackgroundTasks()  # ended attempts, until nothing of them is left

    async def open(self, world: World) -> Readiness:
        """Start the warm child and run the set-up. Raises SetupError, PreflightError, SandboxError."""
        self._isolation, notes = await asyncio.to_thread(choose, self._level, self._image, self._platform)
        self._groups = None if self._isolation == "container" else find(self._cgroups)  # a container has its own
        self._world, passes = world, self._platform.passes_files
        self._scratch = Scratch(whole=passes and self._isolation != "container")
        root = self._scratch.root
        supply = LazyNames(world.offered, _given(world), None if passes else root, world.given)
        self._workers = Workers(world, self._start(root), self._examiner, supply, self._groups)
        self._spare = PrewarmedChild(self._workers, self._pool, self._chores)
        kept_back = await asyncio.to_thread(private, world.recipe, world.names)
        shared = {name: value for name, value in world.names.items() if name not in kept_back}
        packing = asyncio.create_task(asyncio.to_thread(pack, shared, None if passes else root / "names"))
        try:
            worker, report = await self._workers.begin(packing)
            printed = worker.printed()
            self._private = await self._pack_private(kept_back, passes=passes)
            self._scratch.keep()
            notes += (*said(report), *await self._first_child(worker, report["threads"]))
        except BaseException:
            packing.add_done_callback(_unpack)
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
        """A pristine world for one candidate; leaving the context kills everything in it, cancellation included."""
        if self._scratch is None or self._workers is None:
            raise SandboxError("the sandbox is closed")
        if self._workers.wanted(candidate):
            await asyncio.shield(self._chores.begin(self._bring(self._workers, candidate)))
        scratch = self._scratch
        turn = self._pool.turn(self, self._world.limits.memory_bytes, self._world.aside)
        taking, self._under_way = self._spare.claim(), self._under_way + 1
        attempt = folder = None
        try:
            await asyncio.shield(self._clearing.done())
            folder = scratch.lend()
            fork = await asyncio.shield(taking)
            place = (self._isolation, folder, fork)
            attempt = ChildAttempt(self._world, candidate, *place, turn=turn, program=program(), private=self._private)
            yield attempt
        finally:
            finishing = self._clearing.begin(self._finish(taking, scratch, folder, turn))
            if attempt is None or not attempt.idle or not fork.strike():  # else only the next attempt waits for it
                await asyncio.shield(finishing)

    async def close(self) -> None:
        """Leave no process and no file behind. Idempotent."""
        workers, scratch = self._workers, self._scratch
        self._workers = self._scratch = None
        await self._clearing.done()
        await self._chores.done()
        if self._private is not None:
            self._private.close()
        if workers is not None:
            await self._spare.close()
            await workers.close()
        if scratch is not None:
            await _aside(scratch.close)
        if self._groups is not None:
            self._groups.close()

    async def _pack_private(self, names: frozenset[str], *, passes: bool) -> NamespacePayload | None:
        """Pack what only hidden checks read, apart: it is sent when they are. Raises PreflightError."""
        if not names:
            return None
        assert self._scratch is not None
        values = {name: self._world.names[name] for name in sorted(names)}
        return await asyncio.to_thread(pack, values, None if passes else self._scratch.root / "private")

    @property
    def _private_fingerprint(self) -> str:
        return "" if self._private is None else self._private.fingerprint

    async def _first_child(self, worker: Worker, threads: list[str]) -> tuple[str, ...]:
        """Have a child ready; what is to be said of it. Where a fork does not live, later ones are not forks."""
        assert self._workers is not None
        notes: tuple[str, ...] = () if worker.forks else (_restarted(_why(threads)),)
        if worker.forks and not await self._workers.survives(worker):
            notes = (_restarted("a fork of it dies, as some library in the set-up wants it"),)
        self._spare.prepare()
        if self._workers.held and self._spare.child is not None:
            await asyncio.wait({self._spare.child})
        return (*notes, HELD) if self._workers.held else notes

    async def _bring(self, workers: Workers, candidate: Candidate) -> None:
        if await workers.bring(candidate):
            await self._spare.drop()

    async def _finish(
        self, taking: asyncio.Future[Fork], scratch: Scratch, folder: Path | None, turn: PoolSlot
    ) -> None:
        try:
            await discard(taking)
        finally:
            turn.give_back()
            self._under_way -= 1
            if self._scratch is not None and not self._under_way:
                self._spare.prepare()
            if folder is not None:
                scratch.take_back(folder)
            if scratch.has_waste:  # a minute's work, for one who has built much
                self._chores.begin(asyncio.to_thread(scratch.clear))

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


def _given(world: World) -> set[str]:
    """Names that are not to be had from the notebook: it has sent them, or the candidate makes them."""
    recipe = world.recipe
    return {*world.names, *(target.name for target in recipe.targets), *(tool.name for tool in recipe.tools)}


async def _aside(work: Callable[[], None]) -> None:
    """Do it on a thread; or here, where the interpreter is going and starts no thread any more."""
    try:
        done = asyncio.get_running_loop().run_in_executor(None, work)
    except RuntimeError:
        work()
    else:
        await done


def _why(threads: list[str]) -> str:
    if not threads:
        return "this platform cannot fork"
    advice = "what starts them in a function that candidates or checks call does not"
    return f"the set-up started threads ({', '.join(threads)[:200]}), which a fork would lose; {advice}"


def _restarted(why: str) -> str:
    return f"each candidate gets a restarted child, with a set-up of its own, instead of a fork: {why}"


def _unpack(packing: asyncio.Task[NamespacePayload]) -> None:
    """Free what was packed for a child that never came."""
    if not packing.cancelled() and packing.exception() is None:
        packing.result().close()
