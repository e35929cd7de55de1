"""Code that is neither fenced nor bare: in JSON, a quotation, an item of a list, a span, or with entities."""

from __future__ import annotations

import ast
import html
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from .json_text import inside, strict

_LABEL = re.compile(r"\s*(?:python3?|py)[ \t]*\r?\n")  # what is left of a fence that a server took off
_QUOTE = re.compile(r"^[ \t]{0,3}(?:>[ \t]?)(?:> ?(?!>>)){0,3}", re.MULTILINE)
_ITEM = re.compile(r"^([ \t]*)([-*+]|\d{1,3}[.)])(?=[ \t]+(?:```|~~~))", re.MULTILINE)  # whose first line is a fence
_INDENTED = re.compile(r"(?:^(?: {4}|\t).*(?:\r?\n|\Z)|^[ \t]*\r?\n)+", re.MULTILINE)
_MARGIN = re.compile(r"^(?: {4}|\t)", re.MULTILINE)
_INLINE = re.compile(r"(?<!`)`([^`\n]{1,1000})`(?!`)")
_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|#39|#x27);")
_LONGEST = 200_000  # characters
_MOST = 200  # forms of one answer
_DEEPEST = 4  # levels of JSON


def without_label(answer: str) -> str:
    """The answer without a first line that only names the language."""
    label = _LABEL.match(answer)
    return answer[label.end() :] if label else answer


def other_forms(reply: str, *, is_broken: bool) -> Iterator[str]:
    """Texts in which the code may stand bare or fenced, the likeliest first.

    `is_broken` says that code stands there which does not parse: its fault is worth more than a piece beside it.
    """
    if len(reply) > _LONGEST:
        return
    if not is_broken:
        yield from islice(_unwrapped(reply), _MOST)
    if _ENTITY.search(reply):
        yield html.unescape(reply)


def _unwrapped(reply: str) -> Iterator[str]:
    yield from _in_json(reply)
    if _QUOTE.search(reply):
        yield "\n".join(_QUOTE.sub("", line, count=1) for line in reply.splitlines() if _QUOTE.match(line))
    if _ITEM.search(reply):
        yield _ITEM.sub(lambda item: item[1] + " " * len(item[2]), reply)
    for block in _INDENTED.finditer(reply):
        yield _MARGIN.sub("", block[0])
    for code in _INLINE.finditer(reply):
        yield code[1]


def _in_json(reply: str) -> Iterator[str]:
    """The texts of each JSON object, one by one and together; of lists of lines, the lines together."""
    parsed = strict(reply)
    for value in [parsed.value] if parsed else [*(span.value for span in inside(reply)), *_literal(reply)]:
        texts = list(_texts(value))
        yield from texts
        if len(texts) > 1:
            yield "\n\n".join(text for text in texts if "\n" in text)


def _literal(reply: str) -> list[Any]:
    """The reply as a dictionary that Python would print."""
    try:
        return [ast.literal_eval(reply.strip())] if reply.lstrip().startswith("{") else []
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return []


def _texts(value: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list) and value and all(isinstance(line, str) for line in value):
        yield "\n".join(line.removesuffix("\n") for line in value)
    elif isinstance(value, dict | list) and depth < _DEEPEST:
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item, depth + 1)
