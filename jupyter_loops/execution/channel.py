"""The frames between kernel and child, at the kernel's end: they are untrusted, and nothing is unpickled."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Callable, Sequence
from typing import Any

from .child.kernel_connection import HEADER, HELLO, order

_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid
_PIECE = 1 << 16
_MOMENT = 0.001
_VOUCHES = hasattr(socket, "SO_PASSCRED")  # Linux reports the peer's pid, and its event loops can watch a file


class GarbageError(Exception):
    """The child broke the protocol."""


class OversizedError(Exception):
    """The child sent a frame larger than allowed."""


class HungUpError(Exception):
    """The child closed its end."""


class Channel:
    """The kernel's end of a stream socket that carries frames."""

    def __init__(self, connection: socket.socket, limit: int) -> None:
        connection.setblocking(False)
        self._socket, self._file = connection, connection.fileno()
        self.limit = limit  # bytes of JSON, and of blobs, in one frame
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._read: Callable[[], Any] = bytes  # reads the socket once it is readable
        self._waiter: asyncio.Future[Any] | None = None  # the pending read
        self._watched = self._broken = False

    def close(self) -> None:
        """Hang up."""
        self.break_off()
        self._unwatch()
        self._socket.close()

    def break_off(self) -> None:
        """Abort: a pending or later `receive` raises HungUpError. Call it on this event loop."""
        self._broken = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def hello(self) -> int:
        """The child's first message: its process id; on Linux the id that the system reports."""
        if not _VOUCHES:
            return int(HELLO.unpack(await self._take(HELLO.size))[0])
        space = socket.CMSG_SPACE(_CREDENTIALS.size)
        piece, ancillary, _, _ = await self._next(lambda: self._socket.recvmsg(HELLO.size, space))
        if len(piece) < HELLO.size:
            raise HungUpError
        for level, kind, content in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
                return int(_CREDENTIALS.unpack(content[: _CREDENTIALS.size])[0])
        return int(HELLO.unpack(piece)[0])

    async def send(self, message: dict[str, Any], files: Sequence[int] = (), blob: bytes = b"") -> None:
        """Send one frame. The descriptors go with its first byte."""
        frame = order(message, len(blob))
        try:
            if files:
                frame = frame[await self._send_files(frame, files) :]
            for part in (frame, blob):
                if part:
                    await self._loop.sock_sendall(self._socket, part)
        except OSError as error:  # either end is closed
            raise HungUpError from error

    async def receive(self) -> tuple[dict[str, Any], list[bytes]]:
        """One frame. Raises GarbageError, OversizedError, HungUpError."""
        length, size = HEADER.unpack(await self._take(HEADER.size))
        if length > self.limit or size > self.limit:
            raise OversizedError(f"a frame of {length + size} bytes")
        message = _parse(await self._take(length))
        return message, _split(await self._take(size), message.get("blobs", []))

    async def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._buffer += await self._receive_piece(max(_PIECE, min(size - len(self._buffer), 1 << 20)))
        content = bytes(self._buffer[:size])
        del self._buffer[:size]
        return content

    async def _receive_piece(self, size: int) -> bytes:
        piece: bytes = await (self._next(lambda: self._socket.recv(size)) if _VOUCHES else self._received(size))
        if not piece:
            raise HungUpError
        return piece

    async def _next(self, read: Callable[[], Any]) -> Any:
        """The next piece. The socket stays watched until data arrives while no read is pending, which is rare."""
        self._read, waiter = read, self._wait()
        if not self._watched:
            self._watched = True
            self._loop.add_reader(self._file, self._on_readable)
        piece = await waiter
        if self._broken:
            raise HungUpError
        return piece

    async def _received(self, size: int) -> bytes:
        """As `_next`, on an event loop that cannot watch a file."""
        receiving, broken = asyncio.ensure_future(self._loop.sock_recv(self._socket, size)), self._wait()
        try:
            await asyncio.wait({receiving, broken}, return_when=asyncio.FIRST_COMPLETED)
            if not receiving.done():
                raise HungUpError
            return receiving.result()
        except OSError as error:
            raise HungUpError from error
        finally:
            receiving.cancel()

    def _wait(self) -> asyncio.Future[Any]:
        if self._broken:
            raise HungUpError
        self._waiter = self._loop.create_future()
        return self._waiter

    def _on_readable(self) -> None:
        if self._waiter is None or self._waiter.done():
            self._unwatch()
            return
        try:
            self._waiter.set_result(self._read())
        except BlockingIOError:
            pass
        except OSError:
            self._waiter.set_exception(HungUpError())

    def _unwatch(self) -> None:
        if self._watched:
            self._watched = False
            self._loop.remove_reader(self._file)

    async def _send_files(self, frame: bytes, files: Sequence[int]) -> int:
        while True:
            try:
                return socket.send_fds(self._socket, [frame], files)
            except BlockingIOError:
                await asyncio.sleep(_MOMENT)


def _parse(text: bytes) -> dict[str, Any]:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise GarbageError(f"not JSON: {type(error).__name__}") from error
    if not isinstance(message, dict):
        raise GarbageError("not an object")
    return message


def _split(content: bytes, sizes: object) -> list[bytes]:
    if not isinstance(sizes, list) or not all(type(size) is int and size >= 0 for size in sizes):
        raise GarbageError("blob sizes")
    if sum(sizes) != len(content):
        raise GarbageError("blobs do not add up")
    blobs, at = [], 0
    for size in sizes:
        blobs.append(content[at : at + size])
        at += size
    return blobs
