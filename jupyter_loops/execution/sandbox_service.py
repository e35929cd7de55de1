"""A verified candidate whose functions the notebook calls, in a sandbox that stays open."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

from jupyter_loops.core.candidate import Candidate, Exit, Observation
from jupyter_loops.core.names import reads
from jupyter_loops.core.ports import World
from jupyter_loops.core.syntax_tree import parse_module
from jupyter_loops.errors import CallError

from .attempt import ChildAttempt
from .child.call_service import ENDED
from .sandbox import ZygoteSandbox

_LIFE = 3600.0  # seconds of CPU time, after which a new process takes over


class SandboxService:
    """Runs calls one after the other. It starts at the first call, and again after a call that ended its process.

    It belongs to one event loop, whose thread has to outlive it.
    """

    def __init__(self, world: World, candidate: Candidate, sandbox: ZygoteSandbox) -> None:
        self._world, self._candidate, self._sandbox = _without_exam(world), candidate, sandbox
        self._opened = AsyncExitStack()  # the sandbox
        self._entered = AsyncExitStack()  # the attempt in it
        self._attempt: ChildAttempt | None = None
        self._is_open = False
        self._call_lock = asyncio.Lock()

    async def call(self, frame: bytes, classes: Sequence[tuple[str, str]]) -> tuple[str, bytes, Observation]:
        """How a call ended, its encoded answer, and the observation. Raises CallError, PreflightError, SandboxError."""
        async with self._call_lock:
            try:
                fresh = self._attempt is None
                attempt = self._attempt or await self._start()
                how, answer, observed = await attempt.call(frame, classes if fresh else None)
            except BaseException:
                await self._end()
                raise
            if observed.exit is not Exit.OK or how == ENDED:
                await self._end()
                raise CallError(f"{_why(observed)}; the next call starts it anew")
            return how, answer, observed

    async def close(self) -> None:
        """End all processes and remove all files. A later call starts it again. Idempotent."""
        async with self._call_lock:
            await self._end()
            await self._opened.aclose()
            self._is_open = False

    async def _start(self) -> ChildAttempt:
        if not self._is_open:
            self._opened.push_async_callback(self._sandbox.close)
            await self._sandbox.open(self._world)
            self._is_open = True
        attempt = await self._entered.enter_async_context(self._sandbox.attempt(self._candidate))
        observed = await attempt.execute()
        if observed.exit is not Exit.OK:
            raise CallError(f"the verified code cannot be defined in its sandbox: {_why(observed)}")
        self._attempt = attempt
        return attempt

    async def _end(self) -> None:
        self._attempt = None
        await self._entered.aclose()


def _without_exam(world: World) -> World:
    """The same world without its checks."""
    recipe = replace(world.recipe, checks=())
    read = reads(parse_module("\n".join([recipe.setup, *(target.source for target in recipe.targets)])))
    return replace(
        world,
        recipe=recipe,
        names={name: value for name, value in world.names.items() if name in read},
        limits=replace(world.limits, life_cpu_seconds=_LIFE),
        tests={},
        roots=(),
        tests_digest="",
        artifacts=None,
    )


def _why(observed: Observation) -> str:
    return observed.fault.message if observed.fault else observed.exit.value
