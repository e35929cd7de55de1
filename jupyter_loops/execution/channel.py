"""The border's frames, seen from the kernel: nothing that arrives is trusted, and nothing is unpickled."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Sequence
from typing import Any

from .child.wire import HEADER, HELLO, order

_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid
_PIECE = 1 << 16
_MOMENT = 0.001


class Garbage(Exception):
    """The child broke the protocol."""


class Oversized(Exception):
    """The child sent a frame larger than allowed."""


class HungUp(Exception):
    """The child closed its end."""


class Channel:
    """The kernel's end of a stream socket that carries frames."""

    def __init__(self, connection: socket.socket, limit: int) -> None:
        connection.setblocking(False)
        self._socket = connection
        self.limit = limit  # bytes of JSON, and of blobs, in one frame
        self._loop = asyncio.get_running_loop()
        self._arrived = bytearray()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    async def hello(self) -> int:
        """The child's first words: its process id, as this process sees it where the platform vouches for it."""
        if not hasattr(socket, "SO_PASSCRED"):
            return int(HELLO.unpack(await self._take(HELLO.size))[0])
        while True:
            try:
                piece, ancillary, _, _ = self._socket.recvmsg(HELLO.size, socket.CMSG_SPACE(_CREDENTIALS.size))
            except BlockingIOError:
                await self._readable()
                continue
            if len(piece) < HELLO.size:
                raise HungUp
            for level, kind, content in ancillary:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
                    return int(_CREDENTIALS.unpack(content[: _CREDENTIALS.size])[0])
            return int(HELLO.unpack(piece)[0])

    async def send(self, message: dict[str, Any], files: Sequence[int] = (), blob: bytes = b"") -> None:
        """Send one frame; the descriptors travel with its first byte."""
        frame = order(message, len(blob))
        try:
            if files:
                await self._send_files(frame[:1], files)
                frame = frame[1:]
            await self._loop.sock_sendall(self._socket, frame)
            if blob:
                await self._loop.sock_sendall(self._socket, blob)
        except OSError as error:  # theirs is closed, or ours by now
            raise HungUp from error

    async def receive(self) -> tuple[dict[str, Any], list[bytes]]:
        """One frame. Raises Garbage, Oversized, HungUp."""
        length, size = HEADER.unpack(await self._take(HEADER.size))
        if length > self.limit or size > self.limit:
            raise Oversized(f"a frame of {length + size} bytes")
        message = _parse(await self._take(length))
        return message, _split(await self._take(size), message.get("blobs", []))

    async def _take(self, size: int) -> bytes:
        while len(self._arrived) < size:
            self._arrived += await self._receive_some(max(_PIECE, min(size - len(self._arrived), 1 << 20)))
        taken = bytes(self._arrived[:size])
        del self._arrived[:size]
        return taken

    async def _receive_some(self, size: int) -> bytes:
        try:
            piece = await self._loop.sock_recv(self._socket, size)
        except OSError as error:
            raise HungUp from error
        if not piece:
            raise HungUp
        return piece

    async def _readable(self) -> None:
        ready: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(self._socket, _settle, ready)
        try:
            await ready
        finally:
            self._loop.remove_reader(self._socket)

    async def _send_files(self, first: bytes, files: Sequence[int]) -> None:
        while True:
            try:
                socket.send_fds(self._socket, [first], files)
            except BlockingIOError:
                await asyncio.sleep(_MOMENT)
            else:
                return


def _settle(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def _parse(text: bytes) -> dict[str, Any]:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Garbage(f"not JSON: {type(error).__name__}") from error
    if not isinstance(message, dict):
        raise Garbage("not an object")
    return message


def _split(content: bytes, sizes: object) -> list[bytes]:
    if not isinstance(sizes, list) or not all(type(size) is int and size >= 0 for size in sizes):
        raise Garbage("blob sizes")
    if sum(sizes) != len(content):
        raise Garbage("blobs do not add up")
    blobs, at = [], 0
    for size in sizes:
        blobs.append(content[at : at + size])
        at += size
    return blobs
