"""Whether buffers are as many and as long as an Arrow type requires: Arrow aborts the process for some that are not."""

from __future__ import annotations

from typing import Any

from .refusal import UnreadableError

_OFFSETS = {"string": 4, "binary": 4, "large_string": 8, "large_binary": 8, "list": 4, "map": 4, "large_list": 8}
_TEXTS = ("string", "binary", "large_string", "large_binary")


def check(words: Any, kind: Any, length: int, buffers: list[bytes | None], children: list[Any]) -> None:
    """Raises UnreadableError for buffers or children that do not fit the type."""
    word = words if type(words) is str else words[0]
    sizes = _sizes(word, kind, length)
    if word == "dictionary" or len(buffers) != len(sizes):
        raise UnreadableError("an array of Arrow's has the wrong number of buffers")
    if any(not _fits(buffer, size, place) for place, (buffer, size) in enumerate(zip(buffers, sizes, strict=True))):
        raise UnreadableError("a buffer of Arrow's is too short")
    _check_children(word, kind, length, children)


def _fits(buffer: bytes | None, size: int, place: int) -> bool:
    return (place == 0 or size == 0) if buffer is None else len(buffer) >= size


def _sizes(word: str, kind: Any, length: int) -> list[int]:
    bits = (length + 7) // 8
    if word == "null":
        return [0]
    if word in _OFFSETS:
        offsets = _OFFSETS[word] * (length + 1) if length else 0
        return [bits, offsets, 0] if word in _TEXTS else [bits, offsets]
    if word in {"struct", "fixed_size_list"}:
        return [bits]
    return [bits, 0 if word == "dictionary" else (kind.bit_width * length + 7) // 8]


def _check_children(word: str, kind: Any, length: int, children: list[Any]) -> None:
    types = [kind.field(place).type for place in range(kind.num_fields)]
    if [child.type for child in children] != types:
        raise UnreadableError("an array of Arrow's has other children than its type")
    rows = length * {"struct": 1, "fixed_size_list": getattr(kind, "list_size", 0)}.get(word, 0)
    if any(len(child) < rows for child in children):
        raise UnreadableError("a child of an array of Arrow's is too short")
