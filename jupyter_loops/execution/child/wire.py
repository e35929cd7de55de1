"""The border's frames, seen from the child: a length-prefixed JSON object, then raw blobs."""

from __future__ import annotations

import array
import json
import socket
import struct
from typing import Any

HELLO = struct.Struct(">I")  # a process id; the first words on every connection
HEADER = struct.Struct(">IQ")  # bytes of JSON, bytes of all blobs


def encode(message: dict[str, Any], size: int = 0) -> bytes:
    """Header and JSON of a message whose blobs, sent right after it, take `size` bytes."""
    text = json.dumps(message).encode()
    return HEADER.pack(len(text), size) + text


class Wire:
    """One end of a stream socket that carries frames, blocking."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._files: list[int] = []
        self._held = b""

    def fileno(self) -> int:
        """The descriptor, to wait on."""
        return self._socket.fileno()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def send(self, message: dict[str, Any], blobs: tuple[bytes, ...] = ()) -> None:
        """Send one frame whole, after what was held."""
        if blobs:
            message = message | {"blobs": [len(blob) for blob in blobs]}
        held, self._held = self._held, b""
        self._socket.sendall(held + encode(message, sum(map(len, blobs))))
        for blob in blobs:
            self._socket.sendall(blob)

    def hold(self, message: dict[str, Any]) -> None:
        """Keep a frame until the next one is sent: both then cost one system call, and wake the kernel once."""
        self._held += encode(message)

    def receive(self) -> tuple[dict[str, Any], list[int], bytes]:
        """One frame, the descriptors that came with it, and its blobs in one piece. EOFError when hung up."""
        length, size = HEADER.unpack(self._read(HEADER.size))
        message = json.loads(self._read(length))
        blob = self._read(size) if size else b""
        files, self._files = self._files, []
        return message, files, blob

    def _read(self, size: int) -> bytes:
        pieces = []
        while size:
            piece = self._receive_some(min(size, 1 << 20))
            if not piece:
                raise EOFError
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def _receive_some(self, size: int) -> bytes:
        if not hasattr(socket, "SCM_RIGHTS"):
            return self._socket.recv(size)
        room = socket.CMSG_LEN(4 * array.array("i").itemsize)
        piece, ancillary, _, _ = self._socket.recvmsg(size, room)
        for level, kind, content in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                numbers = array.array("i")
                numbers.frombytes(content[: len(content) - len(content) % numbers.itemsize])
                self._files += numbers
        return piece
