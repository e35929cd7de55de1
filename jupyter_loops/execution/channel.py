"""The border's frames, seen from the kernel: nothing that arrives is trusted, and nothing is unpickled."""

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
_VOUCHES = hasattr(socket, "SO_PASSCRED")  # Linux: the system says who is at the other end, and a loop can watch a file


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
        self._arrived = bytearray()
        self._read: Callable[[], Any] = bytes  # what to do once it is readable
        self._coming: asyncio.Future[Any] | None = None  # what is waited for
        self._watched = self._broken = False

    def close(self) -> None:
        """Hang up."""
        self.break_off()
        self._unwatch()
        self._socket.close()

    def break_off(self) -> None:
        """Wait for nothing more: whoever receives, now or later, hears that the child has hung up. From this loop."""
        self._broken = True
        if self._coming is not None and not self._coming.done():
            self._coming.set_result(None)

    async def hello(self) -> int:
        """The child's first words: its process id, as this process sees it where the platform vouches for it."""
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
        """Send one frame; the descriptors travel with its first byte."""
        frame = order(message, len(blob))
        try:
            if files:
                frame = frame[await self._send_files(frame, files) :]
            for part in (frame, blob):
                if part:
                    await self._loop.sock_sendall(self._socket, part)
        except OSError as error:  # theirs is closed, or ours by now
            raise HungUpError from error

    async def receive(self) -> tuple[dict[str, Any], list[bytes]]:
        """One frame. Raises Garbage, Oversized, HungUp."""
        length, size = HEADER.unpack(await self._take(HEADER.size))
        if length > self.limit or size > self.limit:
            raise OversizedError(f"a frame of {length + size} bytes")
        message = _parse(await self._take(length))
        return message, _split(await self._take(size), message.get("blobs", []))

    async def _take(self, size: int) -> bytes:
        while len(self._arrived) < size:
            self._arrived += await self._receive_some(max(_PIECE, min(size - len(self._arrived), 1 << 20)))
        taken = bytes(self._arrived[:size])
        del self._arrived[:size]
        return taken

    async def _receive_some(self, size: int) -> bytes:
        piece: bytes = await (self._next(lambda: self._socket.recv(size)) if _VOUCHES else self._received(size))
        if not piece:
            raise HungUpError
        return piece

    async def _next(self, read: Callable[[], Any]) -> Any:
        """What is read once there is something; watched until something arrives that nobody waits for: seldom."""
        self._read, coming = read, self._wait()
        if not self._watched:
            self._watched = True
            self._loop.add_reader(self._file, self._hear)
        piece = await coming
        if self._broken:
            raise HungUpError
        return piece

    async def _received(self, size: int) -> bytes:
        """The same on a loop that cannot watch a file."""
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
        self._coming = self._loop.create_future()
        return self._coming

    def _hear(self) -> None:
        if self._coming is None or self._coming.done():
            self._unwatch()
            return
        try:
            self._coming.set_result(self._read())
        except BlockingIOError:
            pass
        except OSError:
            self._coming.set_exception(HungUpError())

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
