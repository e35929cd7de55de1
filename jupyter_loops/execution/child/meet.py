"""Connects a child to the kernel where it cannot inherit a socket, and ends it with the kernel."""

from __future__ import annotations

import os
import select
import socket
from contextlib import suppress

TOKEN = "JUPYTER_LOOPS_TOKEN"  # noqa: S105 - the name of a variable
_LOOK = 0.1  # seconds


def connect(where: str) -> socket.socket:
    """A stream to the kernel, which listens at `unix:PATH` or `tcp:PORT`; the token identifies the child."""
    kind, _, address = where.partition(":")
    if kind == "unix":
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.connect(address)
    else:
        connection = socket.create_connection(("127.0.0.1", int(address)))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(os.environ.pop(TOKEN).encode())
    return connection


def live_by_stdin() -> None:
    """Fork: the child returns, the parent waits for the exit of the child or the end of standard input.

    The container ends with the parent, even while the child is busy.
    """
    pid = os.fork()
    if not pid:
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        return
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
        ready, _, _ = select.select([0], [], [], _LOOK)
        if ready and not os.read(0, 4096):
            with suppress(OSError):
                os.kill(pid, 9)
            os._exit(0)
