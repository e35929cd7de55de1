"""The warm child of a run, and its replacements if it has died or must not be forked any more."""

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
    """Call begin, then fork; close ends all processes."""

    def __init__(
        self, world: World, start: ChildLauncher, examiner: str, lazy_names: LazyNames, groups: Groups | None
    ) -> None:
        self._world, self._start, self._examiner = world, start, examiner
        self._lazy_names, self._groups = lazy_names, groups
        self._forks = start.platform.forks  # until the set-up, or a name, starts threads
        self.now: Worker | None = Worker(start)
        self._payload: NamespacePayload | None = None
        self._retired: list[Worker] = []
        self._renewing, self._sending = asyncio.Lock(), asyncio.Lock()

    async def begin(self, packing: Awaitable[NamespacePayload]) -> tuple[Worker, dict[str, Any]]:
        """Start the first worker and build its world. Returns it and its report. Raises as `Worker.build` does."""
        assert self.now is not None
        await self.now.start()
        self._payload = await packing
        return self.now, await self.now.build(await self._blueprint(self._payload), self._payload)

    async def close(self) -> None:
        """End all workers. Idempotent."""
        current, payload, self.now, self._payload = self.now, self._payload, None, None
        for worker in (*self._retired, *([current] if current else [])):
            await worker.close()
        self._retired.clear()
        if payload is not None:
            payload.close()
        self._lazy_names.close()

    @property
    def uses_cgroups(self) -> bool:
        """Whether control groups are available to this user."""
        return self._groups is not None

    @property
    def alive(self) -> bool:
        """Whether the current worker is alive. A prewarmed child dies with it."""
        return self.now is not None and self.now.alive

    async def survives(self, worker: Worker) -> bool:
        """Whether a fork of it lives. If not, later children are not forked."""
        try:
            await (await self._forked(worker)).end()
        except HungUpError:
            await worker.close()
            self._forks, self.now = False, None
            return False
        return True

    async def fork(self, *, rows: bool = False) -> Fork:
        """A child for one candidate, or for `rows` of a map. Raises SandboxError."""
        for _ in range(_TRIES):
            async with self._renewing:
                worker = await self._usable_worker()
            try:
                return await self._forked(worker, rows=rows)
            except HungUpError:
                await worker.close()
        raise SandboxError("the sandbox dies before a candidate can start in it")

    def needs_names(self, candidate: Candidate) -> bool:
        """Whether the candidate reads names that have not arrived in the sandbox yet."""
        return self._sending.locked() or bool(self._lazy_names.unsent(candidate))

    async def provide_names(self, candidate: Candidate) -> bool:
        """Send the names that the candidate is the first to read. Returns whether there were any."""
        async with self._sending:
            names = self._lazy_names.unsent(candidate)
            if not names:
                return False
            payloads = await asyncio.to_thread(self._lazy_names.pack, names)
            async with self._renewing:
                await self._hand_over(payloads)
            return True

    async def _hand_over(self, payloads: list[NamespacePayload]) -> None:
        worker = await self._usable_worker()
        try:
            if not await self._send(worker, payloads):
                self._forks, self.now = False, None  # its forks go on; later candidates get another worker
                self._retired.append(worker)
        except HungUpError:
            self._lazy_names.drop(payloads, "it could not be rebuilt in the sandbox")
            await worker.close()

    async def _send(self, worker: Worker, payloads: Sequence[NamespacePayload]) -> bool:
        """Send payloads. Returns whether the worker may still be forked."""
        lazy_names, seconds = self._lazy_names, self._world.limits.setup_seconds
        parts: Sequence[NamespacePayload | None] = payloads or ([None] if lazy_names.absent else [])
        return all([await worker.send_names(payload, lazy_names.absent, seconds) for payload in parts])

    async def _forked(self, worker: Worker, *, rows: bool = False) -> Fork:
        """A child, in its own control group if groups are available. Raises HungUpError."""
        fork = await worker.fork(self._world.limits.result_bytes, rows=rows)
        if self._groups is not None:
            try:
                fork.group = self._groups.new(fork.pid, self._world.limits)
            except OSError:  # this user may create groups, but not move processes into them
                self._groups.close()
                self._groups = None
        return fork

    async def _usable_worker(self) -> Worker:
        """The current worker, or a new one in its place."""
        if self.now is None or not self.now.usable:
            if self.now is not None and self.now.forks:
                await self.now.close()
            self.now = await self._new_worker()
        return self.now

    async def _new_worker(self) -> Worker:
        assert self._payload is not None
        worker = Worker(self._start)
        try:
            await worker.start()
            await worker.build(await self._blueprint(self._payload), self._payload)
            await self._send(worker, self._lazy_names.payloads)
        except BaseException:
            await worker.close()
            raise
        worker.setup_output()
        return worker

    async def _blueprint(self, payload: NamespacePayload) -> Any:
        """Made on a thread, because a large cell or project takes long to read."""
        return await asyncio.to_thread(blueprint, self._world, payload, self._start, self._examiner, fork=self._forks)
