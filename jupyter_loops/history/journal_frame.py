"""What one event is in a journal file: a checksummed frame of byte strings.

    b"JLf1" | payload length, u32 | CRC-32 of the payload, u32 | payload
    payload: the fields one after another, each as length u32 | bytes

Integers are little-endian. A frame that a crash cut short, or that a disk damaged, is not read.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

MAGIC = b"JLf1"
_HEAD = struct.Struct("<4sII")
_LENGTH = struct.Struct("<I")
BEFORE = 4  # fields, before the texts: run, number, hash, body
Fields = list[bytes]


@dataclass(frozen=True, slots=True)
class Entry:
    """One event as the journal keeps it: its JSON body, its place in the chain, and the texts it is first to use."""

    run: str
    seq: int
    hash: str  # SHA-256 of the run's previous hash and this body, hexadecimal
    body: str
    texts: tuple[tuple[str, str], ...] = ()  # SHA-256 and text

    def pack(self) -> bytes:
        """The frame."""
        texts = [(sha, text.encode()) for sha, text in self.texts]
        return pack(self.run, self.seq, self.hash, self.body.encode(), texts)


def pack(run: str, seq: int, digest: str, body: bytes, texts: Iterable[tuple[str, bytes]] = ()) -> bytes:
    """The frame of an `Entry` whose long parts are in UTF-8 already."""
    fields = [run.encode(), b"%d" % seq, digest.encode(), body]
    for sha, text in texts:
        fields += (sha.encode(), text)
    return join(fields)


def join(fields: Fields) -> bytes:
    """The frame of these fields."""
    payload = b"".join([part for field in fields for part in (_LENGTH.pack(len(field)), field)])
    return _HEAD.pack(MAGIC, len(payload), zlib.crc32(payload)) + payload


def frame_end(content: bytes, start: int) -> int | None:
    """Where the frame at `start` ends, or None when there is no whole and sound frame."""
    if len(content) - start < _HEAD.size:
        return None
    magic, length, checksum = _HEAD.unpack_from(content, start)
    end = start + _HEAD.size + length
    if magic != MAGIC or end > len(content):
        return None
    return end if zlib.crc32(content[start + _HEAD.size : end]) == checksum else None


def split(content: bytes, start: int = 0) -> Iterator[tuple[Fields, int]]:
    """The fields of each frame in order, and the offset where it ends, up to the first that is not whole."""
    while (end := frame_end(content, start)) is not None:
        fields, place = [], start + _HEAD.size
        while place < end:
            (length,) = _LENGTH.unpack_from(content, place)
            place += _LENGTH.size + length
            fields.append(content[place - length : place])
        yield fields, end
        start = end


def of_runs(content: bytes, runs: AbstractSet[bytes]) -> bytes:
    """The frames of these runs, with all texts: another run's frame may have been the first to use one."""
    frames, texts = b"", Fields()
    for fields, _ in split(content):
        texts += fields[BEFORE:]
        if fields[0] in runs:
            frames, texts = frames + join(fields[:BEFORE] + texts), []
    return frames


def pairs(fields: Fields) -> Iterator[tuple[str, str]]:
    """SHA-256 and text, of each text that a frame holds."""
    texts = [field.decode() for field in fields[BEFORE:]]
    return zip(texts[::2], texts[1::2], strict=True)


def read(content: bytes) -> Iterator[Entry]:
    """All sound frames as entries, also those behind a hole."""
    for fields in sound(content):
        run, seq, digest, body = (field.decode() for field in fields[:BEFORE])
        yield Entry(run, int(seq), digest, body, tuple(pairs(fields)))


def sound(content: bytes, start: int | None = 0) -> Iterator[Fields]:
    """The fields of all sound frames from there on, whatever is between them."""
    while start is not None:
        for fields, end in split(content, start):
            yield fields
            start = end
        start = behind(content, start)


def behind(content: bytes, start: int) -> int | None:
    """Where a sound frame follows after an unsound one: not a torn tail, but a hole; None where there is none."""
    while (start := content.find(MAGIC, start + 1)) != -1:
        if frame_end(content, start) is not None:
            return start
    return None
