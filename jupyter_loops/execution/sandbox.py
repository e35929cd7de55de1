"""The sandbox: one warm child a run, one fork of it a candidate."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

from jupyter_loops.core.candidate import Candidate, Limits
from jupyter_loops.core.imports import Imports
from jupyter_loops.core.mutation import changed_by_functions
from jupyter_loops.core.ports import Readiness, World
from jupyter_loops.core.recipe import Check
from jupyter_loops.errors import SandboxError

from .attempt import ChildAttempt
from .cargo import Cargo, pack
from .cgroup import NOTE as HELD
from .cgroup import Groups, find
from .channel import HungUp
from .container import IMAGE
from .examination import Program
from .fork import Fork
from .isolation import choose, import_paths, setup_folder
from .machine import CGROUPS
from .platform import Platform
from .pool import Pool, Turn
from .pool import pool as shared_pool
from .scratch import Scratch
from .start import Start
from .supply import Supply
from .tests import shown
from .worker import Worker

_EXAMINER = "jupyter_loops.verification.examiner"  # of the child: examine, Trust
_PROGRAM = "jupyter_loops.verification.program"  # of the kernel: program
_REHEARSAL = Check(name="", source="assert rehearsed(7) == 50", line=2)  # of the candidate in child/rehearsal.py
_TRIES = 2


class ZygoteSandbox:
    """Satisfies `core.ports.Sandbox`. Open it on a thread that lives as long as it does."""

    def __init__(
        self,
        isolation: str = "auto",
        examiner: str = _EXAMINER,
        *,
        image: str | None = None,
        platform: Platform | None = None,
        pool: Pool | None = None,
        cgroups: Path = CGROUPS,
    ) -> None:
        self._level, self._examiner, self._image = isolation, examiner, image
        self._platform = platform or Platform.here()
        self._pool, self._cgroups = pool or shared_pool(), cgroups
        self._program: Program = import_module(_PROGRAM).program
        self._fork = self._platform.forks  # until the set-up, or a name, has brought threads
        self._groups: Groups | None = None
        self._worker: Worker | None = None
        self._cargo: Cargo | None = None
        self._supply = Supply({}, ())
        self._retired: list[Worker] = []  # that must not be forked any more
        self._scratch: Scratch | None = None
        self._spare: asyncio.Future[Fork] | None = None
        self._finishing: set[asyncio.Future[None]] = set()
        self._renewing, self._bringing = asyncio.Lock(), asyncio.Lock()

    async def open(self, world: World) -> Readiness:
        """Start the warm child and run the set-up. Raises SetupError, PreflightError, SandboxError."""
        self._isolation, notes = await asyncio.to_thread(choose, self._level, self._image, self._platform)
        self._groups = None if self._isolation == "container" else find(self._cgroups)  # a container has its own
        self._world, self._loop = world, asyncio.get_running_loop()
        self._scratch = Scratch(whole=self._platform.passes_files and self._isolation != "container")
        self._worker = self._new_worker(self._scratch.root)
        self._supply = Supply(world.offered, _given(world), None if self._platform.passes_files else self._scratch.root)
        place = None if self._platform.passes_files else self._scratch.root / "names"
        packing = asyncio.create_task(asyncio.to_thread(pack, world.names, place))
        try:
            await self._worker.start()
            self._cargo = await packing
            report = await self._worker.build(self._order(self._scratch.root), self._cargo)
            printed = self._worker.printed()
            self._scratch.keep()
            notes += await self._first_child(self._worker, report["threads"])
        except BaseException:
            packing.add_done_callback(_unpack)
            await self.close()
            raise
        return Readiness(
            isolation=self._isolation,
            schemas=report["schemas"],
            stdout=printed,
            notes=notes,
            fingerprint=self._cargo.fingerprint + world.tests_digest,
        )

    @asynccontextmanager
    async def attempt(self, candidate: Candidate) -> AsyncIterator[ChildAttempt]:
        """A pristine world for one candidate; leaving the context kills everything in it, cancellation included."""
        if self._scratch is None:
            raise SandboxError("the sandbox is closed")
        if self._bringing.locked() or self._supply.wanted(candidate):
            await asyncio.shield(self._unbroken(self._bring(candidate)))
        scratch = self._scratch
        folder = scratch.lend()
        turn = self._pool.turn(self, self._world.limits.memory_bytes)
        taking = asyncio.ensure_future(self._take())
        attempt = None
        try:
            fork = await asyncio.shield(taking)
            attempt = ChildAttempt(
                self._world, candidate, self._isolation, folder, fork, program=self._program, turn=turn
            )
            yield attempt
        finally:
            finishing = self._unbroken(self._finish(taking, scratch, folder, turn))
            if attempt is None or not attempt.idle or not fork.strike():  # else its burial need not be waited for
                await asyncio.shield(finishing)

    async def close(self) -> None:
        """Leave no process and no file behind. Idempotent."""
        worker, cargo, scratch, spare = self._worker, self._cargo, self._scratch, self._spare
        self._worker = self._cargo = self._scratch = self._spare = None
        self._pool.forget(self)
        await asyncio.gather(*self._finishing, return_exceptions=True)
        if spare is not None:
            spare.cancel()
            await asyncio.wait({spare})
            await _discard(spare)
        for each in (*self._retired, *([worker] if worker else [])):
            await each.close()
        self._retired.clear()
        if cargo is not None:
            cargo.close()
        if scratch is not None:
            await _aside(scratch.close)
        if self._groups is not None:
            self._groups.close()
        self._supply.close()

    async def _first_child(self, worker: Worker, threads: list[str]) -> tuple[str, ...]:
        """Have a child ready; what is to be said of it. Where a fork does not live, later ones are not forks."""
        notes: tuple[str, ...] = () if worker.forks else (_restarted(_why(threads)),)
        if worker.forks and not await self._survives(worker):
            self._fork, self._worker = False, None
            notes = (_restarted("a fork of it dies, as some library in the set-up wants it"),)
        self._prepare()
        if self._groups is not None and self._spare is not None:
            await asyncio.wait({self._spare})
        return notes if self._groups is None else (*notes, HELD)

    async def _survives(self, worker: Worker) -> bool:
        try:
            await (await self._born(worker)).end()
            await worker.settle()
        except HungUp:
            await worker.close()
            return False
        return True

    async def _finish(self, taking: asyncio.Future[Fork], scratch: Scratch, folder: Path, turn: Turn) -> None:
        try:
            await _discard(taking)
        finally:
            turn.give_back()
            scratch.take_back(folder)
            self._prepare()
            if scratch.has_waste:  # a minute's work, for one who has built much
                self._unbroken(asyncio.to_thread(scratch.clear))

    async def _bring(self, candidate: Candidate) -> None:
        """Send names that the candidate is the first to read; children that wait do not have them."""
        async with self._bringing:
            wanted = self._supply.wanted(candidate)
            if not wanted:
                return
            cargoes = await asyncio.to_thread(self._supply.pack, wanted)
            async with self._renewing:
                await self._hand_over(cargoes)
            await self._drop_spare()

    async def _hand_over(self, cargoes: list[Cargo]) -> None:
        worker = await self._usable_worker()
        try:
            if not await self._send(worker, cargoes):
                self._fork, self._worker = False, None  # its forks go on; those to come get a child of their own
                self._retired.append(worker)
        except HungUp:
            self._supply.drop(cargoes, "it could not be rebuilt in the sandbox")
            await worker.close()

    async def _send(self, worker: Worker, cargoes: Sequence[Cargo]) -> bool:
        """Whether the worker may still be forked with all that it has."""
        supply, seconds = self._supply, self._world.limits.setup_seconds
        parts: Sequence[Cargo | None] = cargoes or ([None] if supply.absent else [])
        return all([await worker.supply(cargo, supply.absent, seconds) for cargo in parts])

    def _unbroken(self, work: Coroutine[Any, Any, None]) -> asyncio.Future[None]:
        """Let it come to its end whatever becomes of who waits for it; `close` waits too."""
        task = asyncio.ensure_future(work)
        self._finishing.add(task)
        task.add_done_callback(self._finishing.discard)
        return task

    def _prepare(self) -> None:
        """Have a child waiting before the next candidate is there: the model thinks for longer than a fork takes."""
        if self._scratch is not None and self._spare is None and self._pool.keep(self, self._let_go):
            self._spare = asyncio.ensure_future(self._forked())

    def _let_go(self) -> None:
        """End the child that waits: another run has more use for its place. From any thread."""
        with suppress(RuntimeError):  # the event loop is closed, and its children with it
            self._loop.call_soon_threadsafe(lambda: self._unbroken(self._drop_spare()))

    async def _drop_spare(self) -> None:
        spare, self._spare = self._spare, None
        if spare is not None:
            await _discard(spare)

    async def _take(self) -> Fork:
        """The child that is waiting, or else a new one."""
        spare, self._spare = self._spare, None
        if spare is not None:
            await asyncio.wait({spare})
            if spare.exception() is None and spare.result().alive and self._worker and self._worker.alive:
                return spare.result()
            await _discard(spare)  # an earlier candidate has hurt it; the next one starts anew
        return await self._forked()

    async def _forked(self) -> Fork:
        for _ in range(_TRIES):
            async with self._renewing:
                worker = await self._usable_worker()
            try:
                return await self._born(worker)
            except HungUp:
                await worker.close()
        raise SandboxError("the sandbox dies before a candidate can start in it")

    async def _born(self, worker: Worker) -> Fork:
        """A child, in a control group of its own where there are such. Raises HungUp."""
        fork = await worker.fork(self._world.limits.result_bytes)
        if self._groups is not None:
            try:
                fork.group = self._groups.new(fork.pid, self._world.limits)
            except OSError:  # we may make groups, and move nobody into them
                self._groups.close()
                self._groups = None
        return fork

    async def _usable_worker(self) -> Worker:
        """The worker, or a new one in its place."""
        if self._worker is None or not self._worker.usable:
            if self._worker is not None and self._worker.forks:
                await self._worker.close()
            self._worker = await self._renewed()
        return self._worker

    async def _renewed(self) -> Worker:
        assert self._scratch is not None
        assert self._cargo is not None
        worker = self._new_worker(self._scratch.root)
        try:
            await worker.start()
            await worker.build(self._order(self._scratch.root), self._cargo)
            await worker.settle()
            await self._send(worker, self._supply.cargoes)
        except BaseException:
            await worker.close()
            raise
        worker.printed()
        return worker

    def _new_worker(self, scratch: Path) -> Worker:
        start = Start(
            isolation=self._isolation,
            scratch=scratch,
            limits=self._world.limits,
            shown=tuple(shown(self._world.roots, self._world.tests.values())),
            image=self._image or IMAGE,
            platform=self._platform,
        )
        return Worker(start)

    def _order(self, scratch: Path) -> dict[str, Any]:
        """What the child needs to know to build its world; of the checks, nothing."""
        recipe, cargo = self._world.recipe, self._cargo
        assert cargo is not None
        return cargo.order() | {
            "path": [] if self._isolation == "container" else import_paths(),
            "python": list(sys.version_info[:2]),
            "limits": _held(self._world.limits) if self._platform.holds else None,
            "prefix": sys.prefix,
            "examiner": self._examiner,
            "rehearsal": self._program(_REHEARSAL, 0),
            "imports": _import_rules(self._world.imports),
            "fork": self._fork,
            "tests": list(self._world.roots) if self._world.tests else [],
            "loop": recipe.name,
            "setup": recipe.setup,
            "setup_seconds": self._world.limits.setup_seconds,
            "state": sorted(changed_by_functions(recipe.setup)),
            "setup_name": f"<loop {recipe.name}>",
            "setup_cwd": str(setup_folder(self._isolation, scratch)),
            "targets": [
                {"name": each.name, "kind": each.kind.value, "annotation": each.annotation, "line": each.line}
                for each in recipe.targets
            ],
        }


def _import_rules(imports: Imports) -> dict[str, Any] | None:
    """The lists as the child needs them to refuse what only shows at run time; None where there are none."""
    if not imports:
        return None
    allowed = None if imports.allowed is None else sorted(imports.allowed)
    return {"allowed": allowed, "denied": sorted(imports.denied), "rule": imports.rule}


def _held(limits: Limits) -> dict[str, Any]:
    """What a child asks the system to hold it to."""
    return asdict(limits) | {"cpu_seconds": limits.seconds if limits.cpu_seconds is None else limits.cpu_seconds}


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


async def _discard(fork: asyncio.Future[Fork]) -> None:
    """End a child, once it is known whether there is one."""
    await asyncio.wait({fork})
    if not fork.cancelled() and fork.exception() is None:
        await fork.result().end()


def _why(threads: list[str]) -> str:
    if not threads:
        return "this platform cannot fork"
    advice = "what starts them in a function that candidates or checks call does not"
    return f"the set-up started threads ({', '.join(threads)[:200]}), which a fork would lose; {advice}"


def _restarted(why: str) -> str:
    return f"each candidate gets a restarted child, with a set-up of its own, instead of a fork: {why}"


def _unpack(packing: asyncio.Task[Cargo]) -> None:
    """Free what was packed for a child that never came."""
    if not packing.cancelled() and packing.exception() is None:
        packing.result().close()
