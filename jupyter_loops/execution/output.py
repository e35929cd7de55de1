"""What a child prints: the head and the tail are stored, and floods are reported.

It arrives by a pipe. If an event loop cannot wait for a pipe, it arrives by a file that is polled.
"""

from __future__ import annotations

import asyncio
import os
import string
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp

_PIECE = 1 << 16
_LIMIT = 64 * 1024  # bytes, until `bound` is called
_LONGEST = 256  # bytes of a word at the cut
_OF_WORDS = bytes(string.ascii_letters + string.digits + "+/=_-.~", "ascii")
_EVERY = 0.02  # seconds between two looks at a file


class Output:
    """Reads one pipe, and stores the first and the last half of what is allowed."""

    def __init__(self) -> None:
        self.bound(_LIMIT)
        self._head, self._tail = bytearray(), bytearray()
        self._total = 0
        self._file = -1
        self._path: Path | None = None  # of the file, if there is no pipe
        self._next: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    def bound(self, limit: int, flooded: Callable[[], None] | None = None) -> None:
        """Store at most `limit` bytes, and call `flooded` when ten times as much arrives."""
        self._half, self._flood, self._flooded = max(limit // 2, 1), 10 * limit, flooded

    def open(self) -> int:
        """Create the pipe. Returns the child's end, which the caller closes."""
        self._file, writing = os.pipe()
        os.set_blocking(self._file, False)
        self._loop.add_reader(self._file, self._read)
        return writing

    def open_file(self, folder: Path) -> int:
        """Create a file in place of a pipe. Returns the child's descriptor, which the caller closes."""
        writing, name = mkstemp(dir=folder, prefix="output-")
        self._path = Path(name)
        self._file = os.open(name, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        self._next = self._loop.call_later(_EVERY, self._look)
        return writing

    def close(self) -> None:
        """Stop reading. Idempotent."""
        if self._file < 0:
            return
        if self._next is None:
            self._loop.remove_reader(self._file)
        else:
            self._next.cancel()
        os.close(self._file)
        self._file = -1
        if self._path is not None:
            with suppress(OSError):  # Windows cannot remove a file that a child has open; it is removed with its folder
                self._path.unlink()

    def drain(self) -> None:
        """Read what has already been written."""
        while self._file >= 0 and self._read():
            pass

    def add(self, piece: bytes) -> None:
        """Store the part of a piece that belongs to the head or the tail."""
        before, self._total = self._total, self._total + len(piece)
        room = self._half - len(self._head)
        self._head += piece[:room]
        self._tail += piece[max(room, 0) :]
        if len(self._tail) > self._half:
            del self._tail[: len(self._tail) - self._half]
        if before <= self._flood < self._total and self._flooded is not None:
            self._flooded()

    def take(self) -> tuple[str, bool]:
        """The text so far, and whether it is clipped. Empties the buffers."""
        omitted = self._total - len(self._head) - len(self._tail)
        mark = f"\n... {omitted} bytes left out ...\n".encode() if omitted else b""
        if omitted:  # redaction would not recognize half of a key
            self._head, self._tail = _without_cut_word(self._head, self._tail)
        text = bytes(self._head + mark + self._tail).decode(errors="replace")
        self._head, self._tail, self._total = bytearray(), bytearray(), 0
        return text, bool(omitted)

    def _look(self) -> None:
        self.drain()
        if self._file >= 0:
            self._next = self._loop.call_later(_EVERY, self._look)

    def _read(self) -> bool:
        try:
            piece = os.read(self._file, _PIECE)
        except BlockingIOError:
            return False
        except OSError:
            piece = b""
        if not piece:
            if self._path is None:
                self.close()
            return False
        self.add(piece)
        return True


def _without_cut_word(head: bytearray, tail: bytearray) -> tuple[bytearray, bytearray]:
    """Head and tail without the word at the cut, unless that word is very long."""
    last, first = head[-_LONGEST:].rstrip(_OF_WORDS), tail[:_LONGEST].lstrip(_OF_WORDS)
    return (head[:-_LONGEST] + last if last else head), (first + tail[_LONGEST:] if first else tail)
