"""Starts the child's process and connects to it: by an inherited socket, or at an address."""

from __future__ import annotations

import asyncio
import hmac
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_loops.core.candidate import Limits
from jupyter_loops.errors import SandboxError

from . import container
from .channel import Channel, HungUpError
from .child.meet import TOKEN
from .isolation import bubblewrap, environment, interpreter_paths
from .platform import Platform

MARK = "JUPYTER_LOOPS_CHILD"  # an environment variable that identifies the processes of a child
_LIMIT = 16 * 1024**2  # bytes of one control message
_ARRIVAL = 60.0  # seconds in which a child, also one in a container, has to connect
_INTRODUCTION = 1.0  # seconds in which it has to send its token
_LOOK = 0.01
_PACKAGE = Path(__file__).parents[1]
_IMAGE_VARIABLES = {"PATH", "VIRTUAL_ENV", "CONDA_PREFIX", "LD_LIBRARY_PATH"}
_MAIN = "import sys; sys.path.append({root!r}); from jupyter_loops.execution.child.zygote import main; main({where!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildLauncher:
    """Where and how the children of a run are started."""

    isolation: str
    scratch: Path
    limits: Limits
    shown: tuple[Path, ...] = ()  # the user's files, read-only
    image: str = container.IMAGE
    platform: Platform
    watched: bool = True  # a candidate's module may not act while it is defined

    def birth(self, outputs: Sequence[int], mark: str) -> ChildStart:
        """Start a process with `mark` in its environment, for its descendants too. Raises OSError, SandboxError."""
        variables = environment(self.scratch) | {MARK: mark}
        if self.isolation == "container":
            return self._container(outputs, variables)
        if not self.platform.passes_files:
            return self._caller(outputs, variables)
        kernel_end, child_end = pair()
        try:
            command = _python(child_end.fileno())
            if self.isolation == "bubblewrap":
                command = bubblewrap(command, self.scratch, [*interpreter_paths(), *self.shown], variables)
            # for bwrap too: a candidate can read its environment as /proc/1/environ
            process = self._spawn(command, outputs, variables, pass_fds=[child_end.fileno()])
        except BaseException:
            kernel_end.close()
            raise
        finally:
            child_end.close()
        return ChildStart(process, kernel_end)

    def _caller(self, outputs: Sequence[int], variables: dict[str, str]) -> ChildStart:
        """A process that connects to the kernel on the loopback interface."""
        token = secrets.token_hex(16)
        listener = socket.create_server(("127.0.0.1", 0), backlog=8)
        try:
            command = _python(f"tcp:{listener.getsockname()[1]}")
            process = self._spawn(command, outputs, variables | {TOKEN: token})
        except BaseException:
            listener.close()
            raise
        return ChildStart(process, listener, token)

    def _container(self, outputs: Sequence[int], variables: dict[str, str]) -> ChildStart:
        """A process in a container that connects to the kernel at a path."""
        engine = container.find_engine()
        if engine is None:
            raise SandboxError("the container engine does not answer any more")
        token, door = secrets.token_hex(16), self.scratch / f"door-{secrets.token_hex(4)}"
        inside = ["python3", "-I", "-c", _MAIN.format(root=container.ROOT, where=f"unix:{door}")]
        command = container.command_line(
            engine,
            self.image,
            inside,
            name=f"jupyter-loops-{secrets.token_hex(6)}",
            scratch=self.scratch,
            package=_PACKAGE,
            variables={name: text for name, text in variables.items() if name not in _IMAGE_VARIABLES} | {TOKEN: token},
            limits=self.limits,
        )
        listener = _listener(door)
        try:
            process = self._spawn(command, outputs, dict(os.environ), stdin=subprocess.PIPE)
        except BaseException:
            listener.close()
            raise
        return ChildStart(process, listener, token, door)

    def _spawn(
        self, command: list[str], outputs: Sequence[int], variables: dict[str, str], **more: Any
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - our own words
            command,
            **{"stdin": subprocess.DEVNULL, **more},
            stdout=outputs[0],
            stderr=outputs[1],
            env=variables,
            cwd=self.scratch,
            start_new_session=os.name == "posix",
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )


@dataclass(slots=True)
class ChildStart:
    """A started process, and the socket on which it connects."""

    process: subprocess.Popen[bytes]
    end: socket.socket  # connected, or listening where there is a token
    token: str = ""
    door: Path | None = None

    async def channel(self) -> Channel:
        """Its control channel. Raises HungUpError if the process ends before it connects."""
        if not self.token:
            return Channel(self.end, _LIMIT)
        try:
            return Channel(await _arrival(self.end, self.token, self.process), _LIMIT)
        finally:
            self.end.close()
            if self.door is not None:
                self.door.unlink(missing_ok=True)


def pair() -> tuple[socket.socket, socket.socket]:
    """The kernel's end and the child's end. On Linux the kernel's end gets the process id of its peer."""
    kernel_end, child_end = socket.socketpair()
    _ask_for_credentials(kernel_end)
    return kernel_end, child_end


def _python(where: int | str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", _MAIN.format(root=str(_PACKAGE.parent), where=where)]


def _listener(door: Path) -> socket.socket:
    """A listening socket in a folder that only this user may enter."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    _ask_for_credentials(listener)
    listener.bind(str(door))
    listener.listen(8)
    return listener


def _ask_for_credentials(connection: socket.socket) -> None:
    if hasattr(socket, "SO_PASSCRED"):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)


async def _arrival(listener: socket.socket, token: str, process: subprocess.Popen[bytes]) -> socket.socket:
    """The connection that sends the token. Raises HungUpError if the process ends before it connects."""
    listener.setblocking(False)
    loop = asyncio.get_running_loop()
    end = loop.time() + _ARRIVAL
    accepting = asyncio.ensure_future(loop.sock_accept(listener))
    try:
        while loop.time() < end:
            await asyncio.wait({accepting}, timeout=_LOOK)
            if accepting.done():
                connection, _ = accepting.result()
                if await _knows(connection, token):
                    return connection
                connection.close()
                accepting = asyncio.ensure_future(loop.sock_accept(listener))
            elif process.poll() is not None:
                break
    finally:
        accepting.cancel()
    raise HungUpError


async def _knows(connection: socket.socket, token: str) -> bool:
    connection.setblocking(False)
    if connection.family != getattr(socket, "AF_UNIX", None):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    loop, received = asyncio.get_running_loop(), b""
    try:
        async with asyncio.timeout(_INTRODUCTION):
            while len(received) < len(token):
                piece = await loop.sock_recv(connection, len(token) - len(received))
                if not piece:
                    return False
                received += piece
    except (TimeoutError, OSError):
        return False
    return hmac.compare_digest(received, token.encode())
