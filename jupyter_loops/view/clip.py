"""Untrusted text made fit to show: short, and with nothing in it that acts on a terminal or on a reading order."""

from __future__ import annotations

import re

LIMIT = 2048  # characters kept of any one text

_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]{0,64}[ -/]{0,8}[@-~]|\][^\x07\x1b]{0,2048}(?:\x07|\x1b\\)|[@-Z\\^_])")
# Controls except tab and newline, bidirectional overrides and marks, line separators, lone surrogates.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def clean(text: object) -> str:
    """Drop terminal sequences; write other invisible characters out, so that a reader sees what is there."""
    plain = _SEQUENCE.sub("", str(text)).replace("\r\n", "\n").replace("\r", "\n")
    return _UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", plain)


def clip(text: object, limit: int = LIMIT) -> str:
    """The first `limit` characters, cleaned, with a mark that says how much is missing."""
    full = str(text)
    if len(full) <= limit:
        return clean(full)
    return f"{clean(full[:limit])}\n… clipped, {len(full):,} characters in all"


def line(text: object, limit: int = 300) -> str:
    """One line of at most `limit` characters; an ellipsis marks the cut."""
    full = str(text)
    flat = " ".join(clean(full[: limit * 4]).split())
    return flat if len(flat) <= limit and len(full) <= limit * 4 else f"{flat[: limit - 1]}…"
