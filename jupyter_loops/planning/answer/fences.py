"""Fenced blocks, by the rules of CommonMark, except that a fence inside a string of the block does not end it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from .template import UNSEEN

T = TypeVar("T")

_RUN = re.compile(r"```+|~~~+")  # with a literal beginning the search is five times as fast
_LINE_END = re.compile(r"\r\n?|\n")
_BLANK = f" \t{UNSEEN}"  # that may stand before a fence
_MOST = 10_000  # fences of one answer that are looked at
_EFFORT = 4_500_000  # characters of one answer that are parsed, all tries together
_PER_FENCE = 50  # characters that could be parsed while a fence is compared with another


@dataclass(frozen=True, slots=True)
class Fence:
    """A line that may open or close a block."""

    run: str
    indent: str
    info: str
    start: int  # of its line
    end: int  # of its line, the line end included

    @property
    def opens(self) -> bool:
        """Whether CommonMark lets it open a block."""
        return self.run[0] == "~" or "`" not in self.info

    def closes(self, opener: Fence) -> bool:
        """Whether CommonMark lets it close the block."""
        same = self.run[0] == opener.run[0] and len(self.run) >= len(opener.run)
        return same and not self.info and len(self.indent) <= len(opener.indent) + 3


@dataclass(frozen=True, slots=True)
class Block(Generic[T]):
    """What stands between two fences, or after one that is never closed."""

    text: str
    info: str
    start: int
    end: int
    closed: bool
    value: T | None  # None: it does not parse


class Blocks(Generic[T]):
    """Finds the blocks that parse. `is_inside` says of a text whether it breaks off inside a string."""

    def __init__(self, parse: Callable[[str], T | None], is_inside: Callable[[str], bool] | None = None) -> None:
        self._parse, self._is_inside = parse, is_inside
        self._remaining = _EFFORT

    def of(self, text: str) -> list[Block[T]]:
        """The fenced blocks in their order; of several possible ends the one at which the block parses."""
        marks, blocks, place = fences(text), list[Block[T]](), 0
        while place < len(marks) and self._remaining > 0:
            opener = marks[place]
            place += 1
            if not opener.opens:
                continue
            block = self._block(text, opener, marks[place:])
            blocks.append(block)
            while place < len(marks) and marks[place].start < block.end:
                if block.value is None and marks[place].info and marks[place].opens:
                    break  # one inside of it may parse
                place += 1
        return blocks

    def _block(self, text: str, opener: Fence, later: list[Fence]) -> Block[T]:
        likely: Block[T] | None = None
        self._remaining -= _PER_FENCE * len(later)
        for stop, end, closed in _ends(text, opener, later):
            inside = _inside(text[opener.end : stop], opener.indent)
            block = Block(inside, opener.info, opener.start, end, closed, self._value(inside))
            if block.value is not None:
                return block
            if likely is None or self._breaks_off(likely.text):
                likely = block
            if self._remaining <= 0:
                break
        assert likely is not None
        return likely

    def _breaks_off(self, text: str) -> bool:
        self._remaining -= len(text)
        return self._remaining > 0 and self._is_inside is not None and self._is_inside(text)

    def _value(self, text: str) -> T | None:
        self._remaining -= len(text)
        return self._parse(text) if self._remaining > 0 else None


def fences(text: str) -> list[Fence]:
    """The lines that may open or close a block, up to a number that no honest answer has."""
    marks: list[Fence] = []
    for run in _RUN.finditer(text):
        start = run.start()
        while start and text[start - 1] in _BLANK:
            start -= 1
        if start and text[start - 1] not in "\r\n":
            continue
        line_end = _LINE_END.search(text, run.end())
        stop, end = line_end.span() if line_end else (len(text), len(text))
        info = text[run.end() : stop].strip()
        marks.append(Fence(run[0], text[start : run.start()], info, start, end))
        if len(marks) == _MOST:
            break
    return marks


def _ends(text: str, opener: Fence, later: list[Fence]) -> Iterator[tuple[int, int, bool]]:
    """Where the block may stop: at the first fence that closes it, else at the last, and so on; else at the end."""
    closing = [mark for mark in later if mark.closes(opener)]
    for mark in (*closing[:1], *closing[:0:-1]):
        yield mark.start, mark.end, True
    if glued := _glued(text, opener):
        yield *glued, True
    yield len(text), len(text), False


def _glued(text: str, opener: Fence) -> tuple[int, int] | None:
    """A fence at the end of a line of code, which CommonMark does not know and models write."""
    run = re.compile(rf"{opener.run}[ \t]*$", re.MULTILINE).search(text, opener.end)
    if run is None or "#" in text[max(text.rfind("\n", 0, run.start()), 0) : run.start()]:
        return None
    return run.span()


def _inside(text: str, indent: str) -> str:
    """The content of a block, without the indentation of its fence."""
    width = len(indent.strip(UNSEEN))
    return re.sub(rf"(?m)^[ \t]{{1,{width}}}", "", text) if width else text
