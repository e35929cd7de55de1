"""The warm child of a run, and those that come in its place: one that has died, or must not be forked any more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any

from jupyter_loops.core.candidate import Candidate
from jupyter_loops.core.ports import World
from jupyter_loops.errors import SandboxError

from .blueprint import blueprint
from .cgroup import Groups
from .channel import HungUpError
from .child_launcher import ChildLauncher
from .fork import Fork
from .lazy_names import LazyNames
from .namespace_payload import NamespacePayload
from .worker import Worker

_TRIES = 2


class Workers:
    """Begin, then fork; close leaves nothing behind."""

    def __init__(
        self, world: World, start: ChildLauncher, examiner: str, supply: LazyNames, groups: Groups | None
    ) -> None:
        self._world, self._start, self._examiner = world, start, examiner
        self._supply, self._groups = supply, groups
        self._forks = start.platform.forks  # until the set-up, or a name, has brought threads
        self.now: Worker | None = Worker(start)
        self._cargo: NamespacePayload | None = None
        self._retired: list[Worker] = []
        self._renewing, self._bringing = asyncio.Lock(), asyncio.Lock()

    async def begin(self, packing: Awaitable[NamespacePayload]) -> tuple[Worker, dict[str, Any]]:
        """Start the first one and build its world; it, and what it reports. Raises as `Worker.build` does."""
        assert self.now is not None
        await self.now.start()
        self._cargo = await packing
        return self.now, await self.now.build(await self._blueprint(self._cargo), self._cargo)

    async def close(self) -> None:
        """End them all. Idempotent."""
        worker, cargo, self.now, self._cargo = self.now, self._cargo, None, None
        for each in (*self._retired, *([worker] if worker else [])):
            await each.close()
        self._retired.clear()
        if cargo is not None:
            cargo.close()
        self._supply.close()

    @property
    def held(self) -> bool:
        """Whether the system has control groups, and gives us some."""
        return self._groups is not None

    @property
    def alive(self) -> bool:
        """Whether the one of now is there; children that wait die with it."""
        return self.now is not None and self.now.alive

    async def survives(self, worker: Worker) -> bool:
        """Whether a fork of it lives; if not, those to come are not forked."""
        try:
            await (await self._born(worker)).end()
        except HungUpError:
            await worker.close()
            self._forks, self.now = False, None
            return False
        return True

    async def fork(self) -> Fork:
        """A child for one candidate. Raises SandboxError."""
        for _ in range(_TRIES):
            async with self._renewing:
                worker = await self._usable()
            try:
                return await self._born(worker)
            except HungUpError:
                await worker.close()
        raise SandboxError("the sandbox dies before a candidate can start in it")

    def wanted(self, candidate: Candidate) -> bool:
        """Whether the candidate reads names that are not there, or that are on their way."""
        return self._bringing.locked() or bool(self._supply.wanted(candidate))

    async def bring(self, candidate: Candidate) -> bool:
        """Send the names that the candidate is the first to read; whether there were any."""
        async with self._bringing:
            wanted = self._supply.wanted(candidate)
            if not wanted:
                return False
            cargoes = await asyncio.to_thread(self._supply.pack, wanted)
            async with self._renewing:
                await self._hand_over(cargoes)
            return True

    async def _hand_over(self, cargoes: list[NamespacePayload]) -> None:
        worker = await self._usable()
        try:
            if not await self._send(worker, cargoes):
                self._forks, self.now = False, None  # its forks go on; those to come get a child of their own
                self._retired.append(worker)
        except HungUpError:
            self._supply.drop(cargoes, "it could not be rebuilt in the sandbox")
            await worker.close()

    async def _send(self, worker: Worker, cargoes: Sequence[NamespacePayload]) -> bool:
        """Whether the worker may still be forked with all that it has."""
        supply, seconds = self._supply, self._world.limits.setup_seconds
        parts: Sequence[NamespacePayload | None] = cargoes or ([None] if supply.absent else [])
        return all([await worker.supply(cargo, supply.absent, seconds) for cargo in parts])

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

    async def _usable(self) -> Worker:
        """The worker of now, or a new one in its place."""
        if self.now is None or not self.now.usable:
            if self.now is not None and self.now.forks:
                await self.now.close()
            self.now = await self._renewed()
        return self.now

    async def _renewed(self) -> Worker:
        assert self._cargo is not None
        worker = Worker(self._start)
        try:
            await worker.start()
            await worker.build(await self._blueprint(self._cargo), self._cargo)
            await self._send(worker, self._supply.cargoes)
        except BaseException:
            await worker.close()
            raise
        worker.printed()
        return worker

    async def _blueprint(self, cargo: NamespacePayload) -> Any:
        """On a thread: a large cell, and a project of many files, take long to read."""
        return await asyncio.to_thread(blueprint, self._world, cargo, self._start, self._examiner, fork=self._forks)
