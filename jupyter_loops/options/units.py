"""Option values: numbers with units, read strictly. A reader raises ValueError with what it expected."""

from __future__ import annotations

import re
from collections.abc import Callable

_NUMBER = re.compile(r"(\d[\d_]*(?:\.\d+)?|\.\d+)(?:e([+-]?\d+))?([a-zA-Z]*)")
_SECONDS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_BYTES = {"kb": 1024, "mb": 1024**2, "gb": 1024**3, "kib": 1024, "mib": 1024**2, "gib": 1024**3}
_COUNT = {"": 1, "k": 1000, "m": 1_000_000}


def seconds(text: str) -> float:
    """`90`, `90s`, `5m`, `1.5h`, `250ms`."""
    return _above_zero(text, _SECONDS, "a time such as 90s, 5m or 1h")


def days(text: str) -> float:
    """`90d`, `2w`, `12h`, in days; a bare number would be a guess."""
    return _above_zero(text, {"h": 1 / 24, "d": 1.0, "w": 7.0}, "an age with its unit, such as 90d, 2w or 12h")


def size(text: str) -> int:
    """`512MB`, `2GB`, in bytes; a bare number would be a guess."""
    return int(_above_zero(text, _BYTES, "a size with its unit, such as 512MB or 2GB"))


def count(text: str) -> int:
    """`8`, `50k`, `1M`."""
    value = _above_zero(text, _COUNT, "a whole number such as 8 or 50k")
    if value != int(value):
        raise ValueError("a whole number such as 8 or 50k")
    return int(value)


def dollars(text: str) -> float:
    """`0.05`, `$2`."""
    return _above_zero(text.removeprefix("$"), {"": 1.0}, "US dollars such as 0.05")


def price(text: str) -> str:
    """`3,15`: dollars for a million tokens in and out; cached and reasoning tokens may follow."""
    from .prices import Prices

    Prices.read(text)
    return text


def until(text: str) -> str:
    """`Verified() | Usd(0.5) & Plateau(3)`."""
    from jupyter_loops.language import read_until

    read_until(text)
    return text


def fraction(text: str) -> float:
    """`0`, `0.7`."""
    return _scaled(text, {"": 1.0}, "a number such as 0.7")


def seed(text: str) -> int:
    """Any whole number from 0."""
    if not text.isdecimal():
        raise ValueError("a whole number from 0")
    return int(text)


def names(text: str) -> tuple[str, ...]:
    """`gpt-5,local`: a few names, each once."""
    parts = tuple(name.strip() for name in text.split(","))
    if not all(parts) or len(set(parts)) < len(parts):
        raise ValueError("names with commas between them, each once")
    return parts


class choice:  # noqa: N801  # stands beside the readers, which are functions
    """Reads one of a few words, which completion offers."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def __call__(self, text: str) -> str:
        """The word. Raises ValueError for another."""
        if text not in self.names:
            raise ValueError(" or ".join(self.names))
        return text


def modules(text: str) -> tuple[str, ...]:
    """`math,numpy.linalg`."""
    names = tuple(name.strip() for name in text.split(","))
    if not all(part.isidentifier() for name in names for part in name.split(".")):
        raise ValueError("module names such as math,numpy.linalg")
    return names


def or_none(read: Callable[[str], float]) -> Callable[[str], float | None]:
    """Also take `none`, which is no limit. Zero never is."""

    def reader(text: str) -> float | None:
        return None if text.lower() == "none" else read(text)

    return reader


def _above_zero(text: str, units: dict[str, float] | dict[str, int], expected: str) -> float:
    value = _scaled(text, units, expected)
    if value <= 0:
        raise ValueError(f"{expected}, more than 0")
    return value


def _scaled(text: str, units: dict[str, float] | dict[str, int], expected: str) -> float:
    match = _NUMBER.fullmatch(text.strip())
    scale = units.get(match[3].lower()) if match else None
    if match is None or scale is None or (match[2] and abs(int(match[2])) > 15):  # noqa: PLR2004  # beyond any limit
        raise ValueError(expected)
    return float(match[1].replace("_", "")) * 10.0 ** int(match[2] or 0) * scale
