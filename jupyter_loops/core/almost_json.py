"""JSON as models write it: with the wrong quotes, without commas, with remarks."""

from __future__ import annotations

from typing import Any, Self

_LOOKS = 20  # at each character; what can be repaired needs up to ten
_FEWEST, _MOST = 2000, 300_000  # looks at a text


def repaired(text: str) -> Any:
    """What the text says beside its mistakes. Raises ValueError where that takes too long to find out."""
    import json_repair

    looks = min(_FEWEST + _LOOKS * len(text), _MOST)
    try:
        return json_repair.loads(_Metered(text, [looks]))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except _TangledError:
        raise ValueError("too many mistakes") from None


class _TangledError(BaseException):
    """Not an Exception: the repair catches some of its own, and goes on."""


class _Metered(str):
    """A text that can be looked at so often: a repair goes back for each quote and bracket that has no end."""

    __slots__ = ("remaining_looks",)
    remaining_looks: list[int]  # shared by all parts of one text

    def __new__(cls, text: str, remaining_looks: list[int]) -> Self:
        self = super().__new__(cls, text)
        self.remaining_looks = remaining_looks
        return self

    def __getitem__(self, place: Any) -> str:
        part = str.__getitem__(self, place)
        self.remaining_looks[0] -= 1 + len(part) // 100
        if self.remaining_looks[0] < 0:
            raise _TangledError
        return _Metered(part, self.remaining_looks) if isinstance(place, slice) else part
