"""A PNG that a child has sent, read whole and written anew: pixels, and nothing besides them."""

from __future__ import annotations

import struct
import zlib

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = struct.Struct(">IIBBBBB")  # width, height, bits, colour type, compression, filter, interlace
_CHUNK = struct.Struct(">I4s")
_KEPT = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # colour type → samples a pixel
_BITS = (1, 2, 4, 8, 16)
_SIDE = 4096  # pixels
MOST = 32 * 1024**2  # bytes of pixels: twice what a large screen shows


class BadPng(ValueError):
    """It is not a PNG that we would show."""


def read(content: bytes, most: int = MOST) -> tuple[bytes, int, int]:
    """The same picture without anything that is not needed to draw it; width and height.

    Raises BadPng, also where its pixels take more than `most` bytes: before they are unpacked.
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
    """Bytes of the pixels of a picture that was read."""
    return _unpacked(*_HEADER.unpack_from(content, len(_SIGNATURE) + _CHUNK.size)[:4])


def _unpacked(width: int, height: int, bits: int, colour: int) -> int:
    return ((width * bits * _SAMPLES[colour] + 7) // 8 + 1) * height


def _chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    if not content.startswith(_SIGNATURE):
        raise BadPng("it has no PNG signature")
    found, at = [], len(_SIGNATURE)
    while at < len(content):
        if at + 12 > len(content):
            raise BadPng("it is cut off")
        length, name = _CHUNK.unpack_from(content, at)
        body = content[at + 8 : at + 8 + length]
        end = content[at + 8 + length : at + 12 + length]
        if len(end) < 4 or struct.unpack(">I", end)[0] != zlib.crc32(name + body):  # noqa: PLR2004 - a checksum's bytes
            raise BadPng("a checksum is wrong")
        if name in _KEPT:
            found.append((name, body))
        at += 12 + length
    return found


def _inflate(packed: bytes, size: int) -> None:
    """See that the pixels are all there and no more."""
    stream = zlib.decompressobj()
    try:
        pixels = stream.decompress(packed, size + 1)
    except zlib.error as error:
        raise BadPng("its pixels cannot be read") from error
    if len(pixels) != size or stream.unused_data:
        raise BadPng("it has more or fewer pixels than it says")


def _chunk(name: bytes, body: bytes) -> bytes:
    return _CHUNK.pack(len(body), name) + body + struct.pack(">I", zlib.crc32(name + body))
