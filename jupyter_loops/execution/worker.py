"""The kernel's end of one warm child: its process, its control socket, its attempts."""

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

_BIRTH, _DEATH, _GRACE = 5.0, 2.0, 0.5  # seconds that a child gets for it
_MOMENT, _LOOK = 0.001, 0.005


class Worker:
    """A child that holds the world of a run. Start, build, then fork attempts; close leaves nothing behind."""

    def __init__(self, start: ChildLauncher) -> None:
        self._start, self._scratch = start, start.scratch
        self._handed: list[int] = []  # outputs that a child in a container gets over the border
        self._process: subprocess.Popen[bytes] | None = None
        self._news: ForkServerEvents | None = None  # of one that forks
        self._mark = secrets.token_hex(8)
        self._met = False
        self.forks = False
        self.pid = 0  # of the Python process; bwrap's own is another
        self.resident = 0  # bytes, once the world is built
        self._own: frozenset[int] = frozenset()  # processes that the set-up started
        self._used = False  # it has become its one child
        self.stdout, self.stderr = Output(), Output()

    @property
    def usable(self) -> bool:
        """Whether an attempt can be started."""
        if self.forks:
            return self._news is not None and self._news.comes
        return not self._used and self._process is not None

    @property
    def alive(self) -> bool:
        """Whether its process is there, whatever we have heard of it so far; its forks die with it."""
        return tree.alive(self.pid)

    async def start(self) -> None:
        """Start the process. Call on a thread that outlives it: the child dies with the thread that started it."""
        outputs = [self._open(self.stdout), self._open(self.stderr)]
        try:
            birth = self._start.birth(outputs, self._mark)
        except OSError as error:
            raise SandboxError(f"the sandbox does not start: {error}") from error
        finally:
            self._handed = outputs
            if self._start.isolation != "container":
                self._let_go()
        self._process = birth.process
        try:
            self.control, self._met = await birth.channel(), True
            self.pid = await self.control.hello()
        except HungUpError as error:
            raise SandboxError(f"the sandbox does not start: {await self._last_words()}") from error

    async def build(self, order: Mapping[str, Any], cargo: NamespacePayload) -> dict[str, Any]:
        """Send the names and run the set-up; what the child reports. Raises PreflightError, SandboxError."""
        seconds = order["setup_seconds"]
        try:
            files = [cargo.file.fileno(), *self._handed] if cargo.path is None else []
            await self.control.send(dict(order), files)
            self._let_go()
            async with asyncio.timeout(None if seconds is None else seconds + _GRACE):
                report, _ = await self.control.receive()
            if field(report, "said", str) == "unready":
                error = SetupError if field(report, "kind", str) == "setup" else PreflightError
                raise error(text(report, "message"))
            self.forks = field(report, "forks", bool)
        except TimeoutError as error:  # it did not let itself be interrupted
            raise SetupError(f"the set-up did not end within {seconds:g} s; {ADVICE_ON_SETUP}") from error
        except HungUpError as error:
            raise SetupError(f"the set-up ended the sandbox: {await self._last_words()}") from error
        except (GarbageError, OversizedError) as error:
            raise SandboxError(f"the sandbox broke the protocol: {error}") from error
        self.resident = tree.resident(self.pid)
        self._own = frozenset(tree.children(self.pid))
        if self.forks:
            self._news = ForkServerEvents(self.control)
        return report

    async def supply(self, cargo: NamespacePayload | None, absent: Mapping[str, str], seconds: float | None) -> bool:
        """Send more names; False when the child has since got threads and must not be forked. Raises HungUp."""
        order = {"do": "supply", "absent": dict(absent)} | (NOTHING if cargo is None else cargo.order())
        answer = self._news.expect("supplied") if self._news else None
        await self.control.send(order, [] if cargo is None or cargo.path else [cargo.file.fileno()])
        try:
            async with asyncio.timeout(seconds):
                report = await answer if answer else (await self.control.receive())[0]
            threads = field(report, "threads", list)
        except (TimeoutError, GarbageError, OversizedError) as error:
            raise HungUpError from error
        self.resident = tree.resident(self.pid)
        return not (self.forks and threads)

    async def fork(self, limit: int) -> Fork:
        """A child for one candidate, with frames of at most `limit` bytes. Raises HungUp when there is none."""
        if self._news is None:
            return await self._become_fork(limit)
        ours, theirs = pair()
        channel, outputs = Channel(ours, limit), (Output(), Output())
        number, ended = self._news.child()
        files = [theirs.fileno(), *(output.open() for output in outputs)]
        try:
            await self.control.send({"do": "fork", "attempt": number}, files)
        finally:
            theirs.close()
            for file in files[1:]:
                os.close(file)
        try:
            async with asyncio.timeout(_BIRTH):
                pid = await channel.hello()
        except BaseException as error:
            for each in (channel, *outputs):
                each.close()
            if isinstance(error, TimeoutError):
                raise HungUpError from error
            raise
        self._news.born(number, pid)
        fork = Fork(pid, channel, outputs, ended)
        fork.shared_bytes, fork.strike_strays = self.resident, self._strike_strays
        return fork

    async def _become_fork(self, limit: int) -> Fork:
        """The worker itself as its one and only child."""
        self.printed()
        self.control.limit = limit
        await self.control.send({"do": "become"})
        self._used = True
        fork = Fork(self.pid, self.control, (self.stdout, self.stderr), asyncio.ensure_future(self._wait()))
        fork.shared_bytes, fork.bury = self.resident, self.close
        if not self._start.platform.name.startswith("linux"):
            fork.strike_strays = self._strike_marked
        fork.spent_cpu_seconds = tree.load(self.pid).cpu_seconds
        return fork

    def _strike_strays(self) -> bool:
        """Kill what dead children have left to the zygote; whether there was, or may be, anything."""
        assert self._news is not None
        strays = tree.children(self.pid, self._own.union(self._news.pids))
        if self._news.expects:
            return bool(strays)  # one is being born just now, and cannot be told from a stray: look again
        return tree.strike_all(strays)

    def _strike_marked(self) -> bool:
        """Kill what left the tree of its parents, where nobody adopts it; whether there was anything."""
        marked = set(tree.started_with(f"{MARK}={self._mark}"))
        return tree.strike_all(marked - {self.pid, self._process.pid if self._process else 0})

    def printed(self) -> str:
        """What the set-up printed."""
        self.stdout.drain()
        self.stderr.drain()
        self.stderr.take()
        return redact(self.stdout.take()[0])

    async def close(self) -> None:
        """Kill the child and everything in it. Idempotent."""
        if self._news is not None:
            self._news.close()
        if self._process is None:
            return
        if self.forks and self._process.poll() is not None:
            await self._strike_survivors()
        if self._process.stdin is not None:
            await self._leave_container(self._process.stdin)
        deadline = asyncio.get_running_loop().time() + _DEATH
        while self._process.poll() is None or tree.alive(self.pid):
            if not tree.strike(self._process.pid) or asyncio.get_running_loop().time() > deadline:
                break
            await asyncio.sleep(_MOMENT)
        self._process.wait(_DEATH)
        if not self.pid:  # it has not come yet: bubblewrap may have died between its two processes, the second waits
            await self._strike_survivors()
        self._let_go()
        if self._met:
            self.control.close()
        self.stdout.close()
        self.stderr.close()

    async def _leave_container(self, stdin: IO[bytes]) -> None:
        """End what is in the container, upon which the container and then its client end by themselves."""
        stdin.close()
        tree.strike(self.pid)
        deadline = asyncio.get_running_loop().time() + _DEATH
        while self._process is not None and self._process.poll() is None:
            if asyncio.get_running_loop().time() > deadline:
                break
            await asyncio.sleep(_LOOK)

    async def _strike_survivors(self) -> None:
        """Whoever would have adopted them, or would have taken them along, has been killed; their environment tells."""
        deadline = asyncio.get_running_loop().time() + _DEATH
        while tree.strike_all(tree.started_with(f"{MARK}={self._mark}")):
            if asyncio.get_running_loop().time() > deadline:
                break
            await asyncio.sleep(_MOMENT)

    def _open(self, output: Output) -> int:
        return output.open() if self._start.platform.passes_files else output.open_file(self._scratch)

    def _let_go(self) -> None:
        """Close our copies of what the child writes to."""
        for file in self._handed:
            os.close(file)
        self._handed = []

    async def _wait(self) -> int:
        assert self._process is not None
        while (code := self._process.poll()) is None:  # noqa: ASYNC110 - a process has no event everywhere
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
