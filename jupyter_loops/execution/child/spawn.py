"""Starts the candidate's process anew where forking is impossible: the same orders and world, but slower."""

from __future__ import annotations

import hmac
import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from .candidate_world import SetupFailedError
from .kernel_connection import HEADER, HELLO, order
from .meet import TOKEN

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(__file__))))  # noqa: PTH120 - start-up
_MAIN = "import sys; sys.path.append({root!r}); from jupyter_loops.execution.child.zygote import main; main({where!r})"


class Spawned:
    """The process and its connection, which carries orders first, and the examiner's calls once the world is built."""

    def __init__(self, build: dict[str, Any], payload: Sequence[int]) -> None:
        """Start it, and let it build the world that `build` orders."""
        if hasattr(socket, "send_fds"):
            self.connection, child_end = socket.socketpair()
            self._start(child_end.fileno(), pass_fds=[child_end.fileno()])
            child_end.close()
        else:
            self.connection = self._accept()
        self._take(HELLO.size)
        self.send(build | {"role": "candidate"}, payload[:1])

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def send(self, message: dict[str, Any], files: Sequence[int] = ()) -> None:
        """One order, with the descriptors that belong to it."""
        frame = order(message)
        sent = socket.send_fds(self.connection, [frame], list(files)) if files else 0
        self.connection.sendall(frame[sent:])

    def wait(self) -> None:
        """Wait until it has built its world. Raises SetupFailedError."""
        length, _ = HEADER.unpack(self._take(HEADER.size))
        if json.loads(self._take(length))["said"] != "ready":
            raise SetupFailedError("setup", "the set-up ran, and did not run a second time in the candidate's process")

    def _take(self, size: int) -> bytes:
        content = self.connection.recv(size, socket.MSG_WAITALL)
        if len(content) < size:
            raise SetupFailedError("setup", "the candidate's process ended while it was started")
        return content

    def _start(self, where: int | str, **more: Any) -> None:
        command = [sys.executable, "-I", "-S", "-c", _MAIN.format(root=_ROOT, where=where)]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, **more)  # noqa: S603 - a constant command

    def _accept(self) -> socket.socket:
        """Start it, and accept its connection on the loopback interface, which a token proves."""
        token = secrets.token_hex(16)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            where = f"tcp:{listener.getsockname()[1]}"
            self._start(where, env=os.environ | {TOKEN: token})
            while True:
                connection, _ = listener.accept()
                if hmac.compare_digest(connection.recv(len(token), socket.MSG_WAITALL), token.encode()):
                    return connection
                connection.close()
