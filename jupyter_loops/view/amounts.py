"""How money, tokens and time are written, everywhere the same."""

from __future__ import annotations

_THOUSAND, _MILLION = 1_000, 1_000_000
_CENT = 0.01
_MINUTE = 60
_USUAL = 3  # digits of a dollar; more only where they say something


def usd(value: float, *, coarse: float | None = None) -> str:
    """Dollars with as many digits as the size of `coarse` (by default the value itself) makes useful."""
    scale = abs(value if coarse is None else coarse)
    digits = 2 if scale == 0 or scale >= 1 else 3 if scale >= _CENT else 5
    if value and round(value, digits) == 0:
        return f"${value:.1g}"
    written = f"${value:.{digits}f}"
    return written if digits <= _USUAL else written[: _USUAL - digits] + written[_USUAL - digits :].rstrip("0")


def count(value: float) -> str:
    """Tokens: 950, 8.1k, 20k, 1.2M."""
    for size, letter in ((_MILLION, "M"), (_THOUSAND, "k")):
        if value >= size:
            scaled = value / size
            return f"{scaled:.1f}".removesuffix(".0") + letter
    return f"{value:.0f}"


def size(value: float) -> str:
    """Bytes: 950 B, 8.1 kB, 20 MB."""
    for scale, unit in ((_MILLION, "MB"), (_THOUSAND, "kB")):
        if value >= scale:
            return f"{value / scale:.1f}".removesuffix(".0") + f" {unit}"
    return f"{value:.0f} B"


def clock(seconds: float) -> str:
    """Minutes and seconds as on a watch, hours where there are any: 0:21, 1:02:03."""
    total = max(int(seconds), 0)
    hours, remainder = divmod(total, 3600)
    return f"{hours}:{remainder // 60:02}:{remainder % 60:02}" if hours else f"{remainder // 60}:{remainder % 60:02}"


def brief(seconds: float) -> str:
    """A short duration: 40 ms, 2.1 s, 3:05."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < _MINUTE else clock(seconds)
