"""The child's connection to the kernel: each frame is a length-prefixed object, then raw blobs.

The kernel sends `marshal` data, since the child trusts it; the child sends JSON. C functions that are looked up before
any candidate runs do both, so a candidate that patches `json` or `socket` does not change them.
"""

from __future__ import annotations

import _socket
import array
import marshal
import socket
import struct
from _json import encode_basestring_ascii, make_encoder
from collections.abc import Callable
from typing import Any

_send, _receive = _socket.socket.sendall, _socket.socket.recv  # in C; a candidate cannot put others in their place
_close = _socket.socket.close
HELLO = struct.Struct(">I")  # a process id; the first bytes on every connection
HEADER = struct.Struct(">IQ")  # bytes of JSON, bytes of all blobs


_encode: Callable[[object, int], tuple[str, ...]] = make_encoder(
    None,  # no check for cycles: messages have none
    None,  # type: ignore[arg-type] # no default for other types
    encode_basestring_ascii,
    None,
    ": ",
    ", ",
    False,
    False,
    True,
)
_loads, _pack, _unpack = marshal.loads, HEADER.pack, HEADER.unpack
_PIECE = 1 << 20


def order(message: dict[str, Any], size: int = 0) -> bytes:
    """Header and content of a message from the kernel, whose blobs, sent right after it, take `size` bytes."""
    content = marshal.dumps(message, 4)  # which every Python reads
    return _pack(len(content), size) + content


def encode(message: dict[str, Any], size: int = 0) -> bytes:
    """Header and JSON of a message to the kernel, whose blobs, sent right after it, take `size` bytes."""
    content = "".join(_encode(message, 0)).encode()
    return _pack(len(content), size) + content


class KernelConnection:
    """One end of a stream socket that carries frames, blocking."""

    def __init__(self, connection: _socket.socket, *, with_files: bool = False) -> None:
        self._socket, self._file = connection, connection.fileno()
        self._files: list[int] = []
        self._buffered = b""
        self._with_files = with_files and hasattr(socket, "SCM_RIGHTS")

    @property
    def connection(self) -> _socket.socket:
        """The socket itself."""
        return self._socket

    def fileno(self) -> int:
        """The descriptor, to wait on."""
        return self._file

    def close(self) -> None:
        """Hang up."""
        _close(self._socket)

    def send(self, message: dict[str, Any], blobs: tuple[bytes, ...] = ()) -> None:
        """Send one frame, after those that are buffered."""
        if blobs:
            message = message | {"blobs": [*map(len, blobs)]}
        buffered, self._buffered = self._buffered, b""
        for part in (buffered + encode(message, sum(map(len, blobs))), *blobs):
            _send(self._socket, part)

    def send_with_next(self, message: dict[str, Any]) -> None:
        """Buffer a frame until the next one is sent: both cost one system call, and wake the kernel once."""
        self._buffered += encode(message)

    def receive(self) -> tuple[dict[str, Any], list[int], bytes]:
        """One frame, the descriptors that came with it, and its blobs in one piece. EOFError when hung up."""
        length, size = _unpack(self._read(HEADER.size))
        message = _loads(self._read(length))
        blob = self._read(size) if size else b""
        files, self._files = self._files, []
        return message, files, blob

    def _read(self, size: int) -> bytes:
        pieces = []
        while size:
            piece = self._receive_piece(min(_PIECE, size))
            if not piece:
                raise EOFError
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def _receive_piece(self, size: int) -> bytes:
        if not self._with_files:
            return _receive(self._socket, size)
        room = socket.CMSG_LEN(4 * array.array("i").itemsize)
        piece, ancillary, _, _ = self._socket.recvmsg(size, room)
        for level, kind, content in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                numbers = array.array("i")
                numbers.frombytes(content[: len(content) - len(content) % numbers.itemsize])
                self._files += numbers
        return piece
