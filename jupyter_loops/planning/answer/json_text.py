"""JSON in a text: strict, among prose, or repaired."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from jupyter_loops.core import almost_json

from .patience import afford

_DECODER = json.JSONDecoder(strict=False)  # models write line breaks and tabs into strings
_START = re.compile(r"[\[{]")
_TRIES = 1000  # brackets in prose that are tried
_LONGEST = 200_000  # characters that are repaired
_REPAIR = 1e-6  # seconds for one of them
_WIDE = str.maketrans({"\uff1a": ":", "\uff0c": ",", "\u201c": '"', "\u201d": '"'})
_SIGN = re.compile(r'(?<=["\u201d\]}])\s*[\uff1a\uff0c]|(?<=\w)\uff0c(?=\s*["\u201c])')  # full-width, as in Chinese


@dataclass(frozen=True, slots=True)
class ParsedJson:
    """A parsed value, which may be null."""

    value: Any


def strict(text: str) -> ParsedJson | None:
    """The value, where all of the text is JSON."""
    try:
        return ParsedJson(_DECODER.decode(text.strip().lstrip("\ufeff\u200b")))
    except (ValueError, RecursionError):
        return None


@dataclass(frozen=True, slots=True)
class JsonSpan(ParsedJson):
    """A value and where it stands in its text."""

    start: int
    end: int


def inside(text: str) -> list[JsonSpan]:
    """The objects and lists among other text."""
    values, at, remaining = list[JsonSpan](), 0, 4 * len(text)
    for _ in range(_TRIES):
        afford()
        start = _START.search(text, at)
        if start is None or remaining <= 0:
            break
        try:
            value, at = _DECODER.raw_decode(text, start.start())
            values.append(JsonSpan(value, start.start(), at))
        except json.JSONDecodeError as error:
            at = start.end()
            remaining -= error.pos - start.start()
        except (ValueError, RecursionError):
            break
    return values


def repaired(text: str, names: Collection[str]) -> ParsedJson | None:
    """The value after a repair of the text. None where a name has no value, since the repair would invent one."""
    keys = [rf"\b{re.escape(name)}\b[\"'\u201c\u201d]?\s*[:\uff1a]" for name in names]
    named = [re.search(key, text) for key in keys]
    bare = len(keys) == 1 and text.lstrip()[:1] in ("{", "[")
    if len(text) > _LONGEST or not (all(named) or bare) or re.search(rf"(?:{'|'.join(keys)})\s*(?:[,}}\]]|\Z)", text):
        return None
    first = min((match.start() for match in named if match), default=0)
    start = max(text.rfind("{", 0, first), 0)
    afford(_REPAIR * (len(text) - start))
    try:
        value = almost_json.repaired(_SIGN.sub(lambda sign: sign[0].translate(_WIDE), text[start:]))
    except ValueError:
        return None
    return ParsedJson(value) if value else None
