"""Validates and rewrites a PNG that a child has sent, so that it holds pixels only."""

from __future__ import annotations

import struct
import zlib

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = struct.Struct(">IIBBBBB")  # width, height, bits, colour type, compression, filter, interlace
_CHUNK = struct.Struct(">I4s")
_COPIED_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # colour type → samples a pixel
_BITS = (1, 2, 4, 8, 16)
_SIDE = 4096  # pixels
MOST = 32 * 1024**2  # bytes of pixels: twice a large screen


class BadPng(ValueError):
    """It is not a PNG that may be shown."""


def read(content: bytes, most: int = MOST) -> tuple[bytes, int, int]:
    """The picture without chunks that are not needed to draw it; its width and height.

    Raises BadPng. If its pixels take more than `most` bytes, it does so before it unpacks them.
    """
    chunks = _chunks(content)
    if not chunks or chunks[0][0] != b"IHDR" or chunks[-1][0] != b"IEND" or len(chunks[0][1]) != _HEADER.size:
        raise BadPng("the chunks are not those of a picture")
    width, height, bits, colour, *methods = _HEADER.unpack(chunks[0][1])
    if not (0 < width <= _SIDE and 0 < height <= _SIDE) or any(methods):
        raise BadPng("its size or its method is not allowed")
    if colour not in _SAMPLES or bits not in _BITS:
        raise BadPng("its colours are not allowed")
    size = _unpacked(width, height, bits, colour)
    if size > most:
        raise BadPng("its pixels take too much memory")
    _inflate(b"".join(body for name, body in chunks if name == b"IDAT"), size)
    return _SIGNATURE + b"".join(_chunk(name, body) for name, body in chunks), width, height


def size(content: bytes) -> int:
    """The bytes of the pixels of a validated picture."""
    return _unpacked(*_HEADER.unpack_from(content, len(_SIGNATURE) + _CHUNK.size)[:4])


def _unpacked(width: int, height: int, bits: int, colour: int) -> int:
    return ((width * bits * _SAMPLES[colour] + 7) // 8 + 1) * height


def _chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    if not content.startswith(_SIGNATURE):
        raise BadPng("it has no PNG signature")
    chunks, at = [], len(_SIGNATURE)
    while at < len(content):
        if at + 12 > len(content):
            raise BadPng("it is cut off")
        length, name = _CHUNK.unpack_from(content, at)
        body = content[at + 8 : at + 8 + length]
        end = content[at + 8 + length : at + 12 + length]
        if len(end) < 4 or struct.unpack(">I", end)[0] != zlib.crc32(name + body):  # noqa: PLR2004 - a checksum's bytes
            raise BadPng("a checksum is wrong")
        if name in _COPIED_CHUNKS:
            chunks.append((name, body))
        at += 12 + length
    return chunks


def _inflate(packed: bytes, size: int) -> None:
    """Check that the data holds all pixels and nothing else."""
    stream = zlib.decompressobj()
    try:
        pixels = stream.decompress(packed, size + 1)
    except zlib.error as error:
        raise BadPng("its pixels cannot be read") from error
    if len(pixels) != size or stream.unused_data:
        raise BadPng("it has more or fewer pixels than it says")


def _chunk(name: bytes, body: bytes) -> bytes:
    return _CHUNK.pack(len(body), name) + body + struct.pack(">I", zlib.crc32(name + body))
