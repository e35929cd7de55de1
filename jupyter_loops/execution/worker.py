"""The kernel's end of one warm child: its process, its control socket, its forks."""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
from collections.abc import Mapping
from typing import IO, Any

from jupyter_loops.core.redaction import redact
from jupyter_loops.errors import PreflightError, SandboxError, SetupError

from . import tree
from .border import field, text
from .channel import Channel, GarbageError, HungUpError, OversizedError
from .child.candidate_world import ADVICE_ON_SETUP
from .child_launcher import MARK, ChildLauncher, pair
from .fork import Fork
from .fork_server_events import ForkServerEvents
from .namespace_payload import NOTHING, NamespacePayload
from .output import Output

_BIRTH, _DEATH, _GRACE = 5.0, 2.0, 0.5  # seconds allowed for each
_MOMENT, _LOOK = 0.001, 0.005


class Worker:
    """A child that holds the world of a run. Call start, build, then fork; close ends all its processes."""

    def __init__(self, start: ChildLauncher) -> None:
        self._start, self._scratch = start, start.scratch
        self._child_outputs: list[int] = []  # outputs that a child in a container gets over the channel
        self._process: subprocess.Popen[bytes] | None = None
        self._events: ForkServerEvents | None = None  # if it forks
        self._mark = secrets.token_hex(8)
        self._connected = False
        self.forks = False
        self.pid = 0  # of the Python process, not of bwrap
        self.resident = 0  # bytes, once the world is built
        self._setup_children: frozenset[int] = frozenset()  # processes that the set-up started
        self._became_fork = False  # it has become its one child
        self.stdout, self.stderr = Output(), Output()

    @property
    def usable(self) -> bool:
        """Whether it can give a child for an attempt."""
        if self.forks:
            return self._events is not None and self._events.open
        return not self._became_fork and self._process is not None

    @property
    def alive(self) -> bool:
        """Whether its process is alive, even if its end was not reported yet. Its forks die with it."""
        return tree.alive(self.pid)

    async def start(self) -> None:
        """Start the process. It dies with the thread that calls this."""
        outputs = [self._open(self.stdout), self._open(self.stderr)]
        try:
            birth = self._start.birth(outputs, self._mark)
        except OSError as error:
            raise SandboxError(f"the sandbox does not start: {error}") from error
        finally:
            self._child_outputs = outputs
            if self._start.isolation != "container":
                self._close_child_outputs()
        self._process = birth.process
        try:
            self.control, self._connected = await birth.channel(), True
            self.pid = await self.control.hello()
        except HungUpError as error:
            raise SandboxError(f"the sandbox does not start: {await self._last_words()}") from error

    async def build(self, order: Mapping[str, Any], payload: NamespacePayload) -> dict[str, Any]:
        """Send the names and run the set-up. Returns the child's report. Raises PreflightError, SandboxError."""
        seconds = order["setup_seconds"]
        try:
            files = [payload.file.fileno(), *self._child_outputs] if payload.path is None else []
            await self.control.send(dict(order), files)
            self._close_child_outputs()
            async with asyncio.timeout(None if seconds is None else seconds + _GRACE):
                report, _ = await self.control.receive()
            if field(report, "said", str) == "unready":
                error = SetupError if field(report, "kind", str) == "setup" else PreflightError
                raise error(text(report, "message"))
            self.forks = field(report, "forks", bool)
        except TimeoutError as error:  # the set-up ignored its interruption
            raise SetupError(f"the set-up did not end within {seconds:g} s; {ADVICE_ON_SETUP}") from error
        except HungUpError as error:
            raise SetupError(f"the set-up ended the sandbox: {await self._last_words()}") from error
        except (GarbageError, OversizedError) as error:
            raise SandboxError(f"the sandbox broke the protocol: {error}") from error
        self.resident = tree.resident(self.pid)
        self._setup_children = frozenset(tree.children(self.pid))
        if self.forks:
            self._events = ForkServerEvents(self.control)
        return report

    async def send_names(
        self, payload: NamespacePayload | None, absent: Mapping[str, str], seconds: float | None
    ) -> bool:
        """Send more names. False if the child now has threads and must not be forked. Raises HungUpError."""
        order = {"do": "supply", "absent": dict(absent)} | (NOTHING if payload is None else payload.order())
        answer = self._events.expect("supplied") if self._events else None
        await self.control.send(order, [] if payload is None or payload.path else [payload.file.fileno()])
        try:
            async with asyncio.timeout(seconds):
                report = await answer if answer else (await self.control.receive())[0]
            threads = field(report, "threads", list)
        except (TimeoutError, GarbageError, OversizedError) as error:
            raise HungUpError from error
        self.resident = tree.resident(self.pid)
        return not (self.forks and threads)

    async def fork(self, limit: int, *, rows: bool = False) -> Fork:
        """A child for one candidate, or for `rows` of a map, with frames of at most `limit` bytes.

        Raises HungUpError if it does not start.
        """
        if self._events is None:
            return await self._become_fork(limit)
        kernel_end, child_end = pair()
        channel, outputs = Channel(kernel_end, limit), (Output(), Output())
        number, ended = self._events.child()
        files = [child_end.fileno(), *(output.open() for output in outputs)]
        try:
            await self.control.send({"do": "fork", "attempt": number, "rows": rows}, files)
        finally:
            child_end.close()
            for file in files[1:]:
                os.close(file)
        try:
            async with asyncio.timeout(_BIRTH):
                pid = await channel.hello()
        except BaseException as error:
            for resource in (channel, *outputs):
                resource.close()
            if isinstance(error, TimeoutError):
                raise HungUpError from error
            raise
        self._events.started(number, pid)
        fork = Fork(pid, channel, outputs, ended)
        fork.shared_bytes, fork.kill_orphans = self.resident, self._kill_orphans
        return fork

    async def _become_fork(self, limit: int) -> Fork:
        """The worker itself as its only child."""
        self.setup_output()
        self.control.limit = limit
        await self.control.send({"do": "become"})
        self._became_fork = True
        fork = Fork(self.pid, self.control, (self.stdout, self.stderr), asyncio.ensure_future(self._wait()))
        fork.shared_bytes, fork.release = self.resident, self.close
        if not self._start.platform.name.startswith("linux"):
            fork.kill_orphans = self._kill_marked
        fork.spent_cpu_seconds = tree.load(self.pid).cpu_seconds
        return fork

    def _kill_orphans(self) -> bool:
        """Kill orphans that the zygote adopted from dead children. Returns whether there are, or may be, any."""
        assert self._events is not None
        orphans = tree.children(self.pid, self._setup_children.union(self._events.pids))
        if self._events.starting:
            return bool(orphans)  # a child is starting and looks like an orphan: call again
        return tree.kill_trees(orphans)

    def _kill_marked(self) -> bool:
        """Kill orphans on platforms where nobody adopts them. Returns whether there were any."""
        marked = set(tree.started_with(f"{MARK}={self._mark}"))
        return tree.kill_trees(marked - {self.pid, self._process.pid if self._process else 0})

    def setup_output(self) -> str:
        """What the set-up printed."""
        self.stdout.drain()
        self.stderr.drain()
        self.stderr.take()
        return redact(self.stdout.take()[0])

    async def close(self) -> None:
        """Kill the child and everything in it. Idempotent."""
        if self._events is not None:
            self._events.close()
        if self._process is None:
            return
        if self.forks and self._process.poll() is not None:
            await self._kill_survivors()
        if self._process.stdin is not None:
            await self._leave_container(self._process.stdin)
        deadline = asyncio.get_running_loop().time() + _DEATH
        while self._process.poll() is None or tree.alive(self.pid):
            if not tree.kill_tree(self._process.pid) or asyncio.get_running_loop().time() > deadline:
                break
            await asyncio.sleep(_MOMENT)
        self._process.wait(_DEATH)
        if not self.pid:  # bubblewrap may have died between its two processes, and the second waits
            await self._kill_survivors()
        self._close_child_outputs()
        if self._connected:
            self.control.close()
        self.stdout.close()
        self.stderr.close()

    async def _leave_container(self, stdin: IO[bytes]) -> None:
        """End the processes in the container. Then the container and its client end by themselves."""
        stdin.close()
        tree.kill_tree(self.pid)
        deadline = asyncio.get_running_loop().time() + _DEATH
        while self._process is not None and self._process.poll() is None:
            if asyncio.get_running_loop().time() > deadline:
                break
            await asyncio.sleep(_LOOK)

    async def _kill_survivors(self) -> None:
        """Kill processes whose adopter was killed. Their environment identifies them."""
        deadline = asyncio.get_running_loop().time() + _DEATH
        while tree.kill_trees(tree.started_with(f"{MARK}={self._mark}")):
            if asyncio.get_running_loop().time() > deadline:
                break
            await asyncio.sleep(_MOMENT)

    def _open(self, output: Output) -> int:
        return output.open() if self._start.platform.passes_files else output.open_file(self._scratch)

    def _close_child_outputs(self) -> None:
        """Close the kernel's copies of the child's outputs."""
        for file in self._child_outputs:
            os.close(file)
        self._child_outputs = []

    async def _wait(self) -> int:
        assert self._process is not None
        while (code := self._process.poll()) is None:  # noqa: ASYNC110 - not every platform has an event for it
            await asyncio.sleep(_LOOK)
        return -code if code < 0 else code << 8

    async def _last_words(self) -> str:
        """What the child printed, or how it ended."""
        assert self._process is not None
        for _ in range(200):
            if self._process.poll() is not None:
                break
            await asyncio.sleep(_MOMENT)
        self.stderr.drain()
        words = self.stderr.take()[0].strip().splitlines()
        return words[-1][:300] if words else f"exit status {self._process.returncode}"
