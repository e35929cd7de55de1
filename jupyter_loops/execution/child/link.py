"""Frames between the examiner and its candidate: a length, then that many bytes."""

from __future__ import annotations

import _socket
import struct
from contextlib import suppress
from time import perf_counter

_LENGTH = struct.Struct("<Q")
_SPIN = 60e-6  # seconds to look for an answer before the thread sleeps: to be woken takes longer than most calls
_PIECE = 1 << 18
_DONT_WAIT, _WAIT_ALL = getattr(_socket, "MSG_DONTWAIT", 0), getattr(_socket, "MSG_WAITALL", 0)


class TooLarge(Exception):
    """The other end announces a frame that is larger than allowed."""


class Link:
    """One end of a stream socket. Raises EOFError when the other end is gone."""

    def __init__(self, connection: _socket.socket, limit: int | None = None) -> None:
        self._socket, self._limit = connection, limit
        self._arrived = bytearray()

    def fileno(self) -> int:
        """The descriptor, to wait on."""
        return self._socket.fileno()

    def send(self, frame: bytes) -> None:
        """Send one frame."""
        try:
            if len(frame) < _PIECE:
                self._socket.sendall(_LENGTH.pack(len(frame)) + frame)
            else:
                self._socket.sendall(_LENGTH.pack(len(frame)))
                self._socket.sendall(frame)
        except OSError as error:
            raise EOFError from error

    def receive(self) -> bytes:
        """The next frame. Raises TooLarge."""
        while len(self._arrived) < _LENGTH.size:
            self._arrived += self._first()
        (size,) = _LENGTH.unpack_from(self._arrived)
        if self._limit is not None and size > self._limit:
            raise TooLarge(f"{size} bytes, and {self._limit} are allowed")
        del self._arrived[: _LENGTH.size]
        frame = bytes(self._arrived[:size])
        del self._arrived[:size]
        while len(frame) < size:  # usually in one piece: each further piece copies those before
            frame += self._next(size - len(frame), _WAIT_ALL)
        return frame

    @property
    def has_frame(self) -> bool:
        """Whether a frame is here already."""
        if len(self._arrived) < _LENGTH.size:
            return False
        (size,) = _LENGTH.unpack_from(self._arrived)
        return bool(len(self._arrived) >= _LENGTH.size + size)

    def break_off(self) -> None:
        """Stop receiving, in every thread."""
        with suppress(OSError):  # it is closed already
            self._socket.shutdown(_socket.SHUT_RDWR)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _first(self) -> bytes:
        if _DONT_WAIT:
            until = perf_counter() + _SPIN
            while perf_counter() < until:
                try:
                    return self._checked(self._socket.recv(_PIECE, _DONT_WAIT))
                except BlockingIOError:
                    continue
                except OSError as error:
                    raise EOFError from error
        return self._next(_PIECE)

    def _next(self, size: int, flags: int = 0) -> bytes:
        try:
            return self._checked(self._socket.recv(size, flags))
        except OSError as error:
            raise EOFError from error

    @staticmethod
    def _checked(piece: bytes) -> bytes:
        if not piece:
            raise EOFError
        return piece
