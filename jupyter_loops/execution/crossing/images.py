"""Pillow's images, by their pixels."""

from __future__ import annotations

import sys
from typing import Any

from .kind import Decoding, Encoding, Node, ValueKind, fields
from .refusal import UnreadableError

NAME = "PIL"
_MODES = {"1": 0, "L": 1, "P": 1, "LA": 2, "I;16": 2, "RGB": 3, "YCbCr": 3, "LAB": 3, "HSV": 3, "RGBA": 4, "CMYK": 4}
_SIZES = {**_MODES, "I": 4, "F": 4}


def describe(value: Any, _: Encoding) -> Node | None:
    """The node of an image; None for other objects of Pillow's."""
    image = sys.modules.get("PIL.Image")
    if image is None or not isinstance(value, image.Image) or value.mode not in _SIZES:
        return None
    palette = bytes(value.getpalette()) if value.mode == "P" and value.palette is not None else None
    return "im.image", (value.mode, int(value.width), int(value.height), value.tobytes(), palette), ()


def _make(payload: Any, _: list[Any], decoding: Decoding) -> object:
    from PIL import Image

    mode, width, height, data, palette = fields(payload, str, int, int, bytes, type(payload[4]))
    row = (width + 7) // 8 if mode == "1" else width * _SIZES[mode]
    if width < 0 or height < 0 or row * height != len(data):
        raise UnreadableError("an image has not the size that it says")
    if type(palette) not in {bytes, type(None)} or len(palette or b"") > 4 * 256:
        raise UnreadableError("an image has no such palette")
    decoding.spend(4 * width * height)
    image = Image.frombytes(mode, (width, height), data)
    if palette is not None:
        image.putpalette(palette)
    return image


def same(value: Any, other: Any, _: Any) -> bool | None:
    """Whether two images have the same pixels."""
    return bool(value == other)


def put_back(target: Any, new: Any) -> bool:
    """Gives an image the pixels of another of its size."""
    target.im = new.im.copy()
    target._mode, target._size = new.mode, new.size  # noqa: SLF001
    return True


KINDS = {"im.image": ValueKind(_make)}
