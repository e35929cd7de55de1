"""The kernel's end of one warm child: its process, its control socket, its attempts."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from jupyter_loops.core.redaction import redact
from jupyter_loops.errors import PreflightError, SandboxError, SetupError

from . import tree
from .border import field, text
from .cargo import Cargo
from .channel import Channel, Garbage, HungUp, Oversized
from .fork import Fork
from .isolation import bubblewrap, environment, interpreter_paths
from .output import Output

_LIMIT = 16 * 1024**2  # bytes of one control message
_BIRTH, _DEATH = 5.0, 2.0  # seconds that a child gets for it
_MOMENT, _LOOK = 0.001, 0.005
_MAIN = "import sys; sys.path.append({root!r}); from jupyter_loops.execution.child.zygote import main; main({file})"


class Worker:
    """A child that holds the world of a run. Start, build, then fork attempts; close leaves nothing behind."""

    def __init__(self, isolation: str, scratch: Path) -> None:
        self._isolation, self._scratch = isolation, scratch
        self._process: subprocess.Popen[bytes] | None = None
        self._ended: dict[int, asyncio.Future[int]] = {}
        self._listener: asyncio.Task[None] | None = None
        self.forks = False
        self.pid = 0  # of the Python process; bwrap's own is another
        self.resident = 0  # bytes, once the world is built
        self._own: frozenset[int] = frozenset()  # processes that the set-up started
        self._born: dict[int, int] = {}  # attempt → pid
        self._numbers = count(1)
        self._used = False  # it has become its one child
        self.stdout, self.stderr = Output(), Output()

    @property
    def usable(self) -> bool:
        """Whether an attempt can be started."""
        listening = self._listener is not None and not self._listener.done()
        return listening if self.forks else not self._used and self._process is not None

    async def start(self) -> None:
        """Start the process. Call on a thread that outlives it: the child dies with the thread that started it."""
        ours, theirs = _pair()
        self.control = Channel(ours, _LIMIT)
        outputs = [self.stdout.open(), self.stderr.open()]
        try:
            self._process = self._spawn(theirs.fileno(), outputs)
        except OSError as error:
            raise SandboxError(f"the sandbox does not start: {error}") from error
        finally:
            theirs.close()
            for file in outputs:
                os.close(file)
        try:
            self.pid = await self.control.hello()
        except HungUp as error:
            raise SandboxError(f"the sandbox does not start: {await self._last_words()}") from error

    async def build(self, order: Mapping[str, Any], cargo: Cargo) -> dict[str, Any]:
        """Send the names and run the set-up; what the child reports. Raises PreflightError, SandboxError."""
        try:
            await self.control.send(dict(order), [cargo.file.fileno()])
            report, _ = await self.control.receive()
            if field(report, "said", str) == "unready":
                error = SetupError if field(report, "kind", str) == "setup" else PreflightError
                raise error(text(report, "message"))
            self.forks = field(report, "forks", bool)
        except HungUp as error:
            raise SetupError(f"the set-up ended the sandbox: {await self._last_words()}") from error
        except (Garbage, Oversized) as error:
            raise SandboxError(f"the sandbox broke the protocol: {error}") from error
        self.resident = tree.resident(self.pid)
        self._own = frozenset(tree.children(self.pid))
        if self.forks:
            self._listener = asyncio.create_task(self._listen())
        return report

    async def fork(self, limit: int) -> Fork:
        """A child for one candidate, with frames of at most `limit` bytes. Raises HungUp when there is none."""
        if not self.forks:
            return await self._become_fork(limit)
        number = next(self._numbers)
        ours, theirs = _pair()
        channel, outputs = Channel(ours, limit), (Output(), Output())
        ended = self._ended[number] = asyncio.get_running_loop().create_future()
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
        except TimeoutError as error:
            raise HungUp from error
        self._born[number] = pid
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
        fork.spent_cpu_seconds = tree.load(self.pid).cpu_seconds
        return fork

    def _strike_strays(self) -> bool:
        """Kill what dead children have left to the zygote; whether there was, or may be, anything."""
        strays = set(tree.children(self.pid)) - self._own - set(self._born.values())
        if len(self._born) < len(self._ended):
            return bool(strays)  # one is being born just now, and cannot be told from a stray: look again
        return tree.strike_all(strays)

    def printed(self) -> str:
        """What the set-up printed."""
        self.stdout.drain()
        self.stderr.drain()
        self.stderr.take()
        return redact(self.stdout.take()[0])

    async def close(self) -> None:
        """Kill the child and everything in it. Idempotent."""
        if self._listener is not None:
            self._listener.cancel()
        if self._process is None:
            return
        if self.forks and self._process.poll() is not None:
            await self._strike_survivors()
        deadline = asyncio.get_running_loop().time() + _DEATH
        while self._process.poll() is None or tree.alive(self.pid):
            if not tree.strike(self._process.pid) or asyncio.get_running_loop().time() > deadline:
                break
            await asyncio.sleep(_MOMENT)
        self._process.wait(_DEATH)
        self.control.close()
        self.stdout.close()
        self.stderr.close()

    async def _strike_survivors(self) -> None:
        """A candidate has killed the zygote, which would have adopted its daemons; find them by their environment."""
        deadline = asyncio.get_running_loop().time() + _DEATH
        while tree.strike_all(tree.started_with(f"HOME={self._scratch}")):
            if asyncio.get_running_loop().time() > deadline:
                break
            await asyncio.sleep(_MOMENT)

    def _spawn(self, control: int, outputs: Sequence[int]) -> subprocess.Popen[bytes]:
        root = str(Path(__file__).parents[2])
        command = [sys.executable, "-I", "-S", "-c", _MAIN.format(root=root, file=control)]
        variables = environment(self._scratch)
        if self._isolation == "bubblewrap":
            command = bubblewrap(command, self._scratch, interpreter_paths(), variables)
        return subprocess.Popen(  # noqa: S603 - our own words
            command,
            stdin=subprocess.DEVNULL,
            stdout=outputs[0],
            stderr=outputs[1],
            env=variables,  # of bwrap too: its own environment can be read from inside, as /proc/1/environ
            cwd=self._scratch,
            pass_fds=[control],
            start_new_session=True,
        )

    async def _listen(self) -> None:
        """Hear of ended attempts until the child hangs up; then every attempt has ended."""
        try:
            while True:
                message, _ = await self.control.receive()
                self._end(field(message, "attempt", int), field(message, "status", int))
        except (HungUp, Garbage, Oversized):
            pass
        finally:
            for attempt in list(self._ended):
                self._end(attempt, 9)

    def _end(self, attempt: int, status: int) -> None:
        self._born.pop(attempt, None)
        ended = self._ended.pop(attempt, None)
        if ended is not None and not ended.done():
            ended.set_result(status)

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


def _pair() -> tuple[socket.socket, socket.socket]:
    """Ours and theirs; from ours, the kernel tells which process is at the other end."""
    ours, theirs = socket.socketpair()
    if hasattr(socket, "SO_PASSCRED"):
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    return ours, theirs
