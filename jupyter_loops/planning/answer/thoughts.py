"""The thoughts that a reasoning model writes before its answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

from .fences import Block, T
from .template import without_template

_TAG = re.compile(r"<(/?)(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
_BLANK = re.compile(r"[\s\ufeff\u200b\u2060]*")
_LINE_END = re.compile(r"[ \t]*(?:\Z|[\r\n]|```|~~~)")


def after_thoughts(answer: str, blocks_of: Callable[[str], list[Block[T]]]) -> tuple[str, list[Block[T]]]:
    """The answer without the thoughts before it, and its fenced blocks."""
    answer = without_template(answer)
    reply = answer[_tagged_end(answer) :]
    blocks = blocks_of(reply)
    end = _orphan(reply, blocks)
    return (reply[end:], blocks_of(reply[end:])) if end else (reply, blocks)


def _tagged_end(answer: str) -> int:
    """Where the answer goes on after tagged thoughts at its beginning; its end where one is never closed."""
    at, tags = 0, _TAG.finditer(answer)
    for tag in tags:
        blank = _BLANK.match(answer, at)
        if tag[1] or (blank and blank.end() != tag.start()):
            break
        closing = next((later for later in tags if later[1]), None)
        if closing is None:
            return len(answer)
        at = closing.end()
    return at


def _orphan(answer: str, blocks: Sequence[Block[T]]) -> int:
    """The end of thoughts that stand before the answer and do not begin with a tag; 0 where there are none.

    A tag in a block is part of the answer, and so is a pair of tags after the first block.
    """
    tags = _outside(answer, blocks)
    opened = next((tag.start() for tag in tags if not tag[1]), len(answer))
    first = min((block.start for block in blocks), default=len(answer))
    for tag in reversed(tags):
        if not tag[1] or not _stands_alone(answer, tag):
            continue
        blank = _BLANK.match(answer, tag.end())
        is_last = blank is not None and blank.end() == len(answer)
        if tag.start() < opened or (opened < first and not is_last):
            return tag.end()
    return 0


def _outside(answer: str, blocks: Sequence[Block[T]]) -> list[re.Match[str]]:
    """The tags that stand in no block; one that does not parse and holds another is none."""
    spans = [
        (block.start, block.end)
        for block, after in pairwise([*blocks, None])
        if block and (block.value is not None or (block.closed and not (after and after.start < block.end)))
    ]
    tags, place = [], 0
    for tag in _TAG.finditer(answer):
        while place < len(spans) and spans[place][1] <= tag.start():
            place += 1
        if place == len(spans) or tag.start() < spans[place][0]:
            tags.append(tag)
    return tags


def _stands_alone(answer: str, tag: re.Match[str]) -> bool:
    """Whether nothing else stands before it in its line, or nothing after it."""
    place = tag.start()
    while place and answer[place - 1] in " \t":
        place -= 1
    return not place or answer[place - 1] in "\r\n" or _LINE_END.match(answer, tag.end()) is not None
