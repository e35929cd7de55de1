"""Forks the finished world for each candidate, and reaps the processes that ended.

A fork pays for each page that it touches: the first write or reference count copies the page, which takes longer than
most of the work there. So everything that is the same for all candidates is done before the fork, and the code that
runs after it is short.
"""

from __future__ import annotations

import _socket
import gc
import os
import select
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from .confine import adopt_orphans
from .fork_template import ForkTemplate
from .kernel_connection import HELLO, KernelConnection
from .session import settle

_signal: Any = sys.modules["_signal"]  # without the enums of `signal`: a fork would copy their pages
_PIECE = 4096


class ForkServer:
    """Answers the kernel on one socket: forks on request, and leaves all other requests to `obey`."""

    def __init__(
        self, control: KernelConnection, ready: ForkTemplate, obey: Callable[[dict[str, Any], list[int]], None]
    ) -> None:
        self._control, self._ready, self._obey = control, ready, obey
        self._attempts: dict[int, int] = {}  # pid → attempt
        self._setup_children = frozenset(_children())  # that the set-up started
        self._died, self._wakeup = os.pipe()
        os.set_blocking(self._died, False)
        os.set_blocking(self._wakeup, False)

    def serve(self) -> None:
        """Fork until the kernel hangs up; leave no fork behind."""
        try:
            self._serve()
        finally:
            for pid in self._attempts:
                with suppress(OSError):  # it died first
                    os.killpg(pid, signal.SIGKILL)

    def _serve(self) -> None:
        signal.signal(signal.SIGCHLD, _nothing)
        signal.set_wakeup_fd(self._wakeup, warn_on_full_buffer=False)
        gc.collect()
        gc.freeze()
        control, waiting = self._control.fileno(), [self._control.fileno(), self._died]
        while True:
            ready, _, _ = select.select(waiting, [], [])
            if self._died in ready:
                os.read(self._died, _PIECE)
                self._reap()
            if control in ready:
                order, files, _ = self._control.receive()
                if order["do"] == "fork":
                    self._fork(order["attempt"], files, rows=order["rows"])
                else:
                    self._obey(order, files)

    def _fork(self, number: int, files: list[int], *, rows: bool) -> None:
        pid = os.fork()
        if not pid:
            self._become(files, rows=rows)
        self._attempts[pid] = number
        for file in files:
            os.close(file)

    def _become(self, files: list[int], *, rows: bool) -> None:
        """Run a forked child; never returns."""
        try:
            connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, files[0])
            connection.sendall(HELLO.pack(os.getpid()))  # first: until then the kernel takes it for a stray process
            _signal.set_wakeup_fd(-1)
            _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)
            os.close(self._died)
            os.close(self._wakeup)
            self._control.close()
            settle(files[1:])
            adopt_orphans(die_with_parent=True)
            serve = self._ready.serve_rows if rows else self._ready.serve
            serve(KernelConnection(connection, with_files=True))
        except BaseException:  # noqa: BLE001 - printed to stderr, which the kernel reads
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        finally:
            os._exit(0)

    def _reap(self) -> None:
        for pid in list(self._attempts):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                attempt = self._attempts.pop(pid)
                self._control.send({"said": "ended", "attempt": attempt, "status": status})
        for stray in set(_children()) - self._setup_children - self._attempts.keys():
            with suppress(OSError):  # it died first
                os.kill(stray, signal.SIGKILL)
                os.waitpid(stray, os.WNOHANG)


def _nothing(*_: object) -> None:
    pass


def _children() -> list[int]:
    try:
        file = os.open(f"/proc/self/task/{os.getpid()}/children", os.O_RDONLY)
    except OSError:
        return []
    pieces = []
    while piece := os.read(file, _PIECE):
        pieces.append(piece)
    os.close(file)
    return [int(pid) for pid in b"".join(pieces).split()]
