"""The context window: named sections of a prompt, and the order in which they are cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from jupyter_loops.core.message import Part

from .tokens import estimate

GAP = "\n\n"  # between sections
_CUT = "… ({} tokens left out)"
_LONGEST_TOKEN = 16  # characters; of a longer run of spaces in one line, less than would fit is retained
_MOST = 200_000  # characters of one section that are looked at
_CUT_TOKENS = 24  # what the mark of a cut may take, its line end included


@dataclass(frozen=True, kw_only=True)
class Section:
    """One part of a prompt.

    `rank` says how early it shrinks: a higher rank goes first. `allowance` is the most tokens it may
    have even in a wide window, so that every round costs about the same.
    """

    name: str
    text: str
    before: str = ""  # heading and opening fence
    after: str = ""  # closing fence
    rank: int = 0
    allowance: int | None = None
    newest_last: bool = False  # cut from the start instead of the end
    dropped: int = 0  # tokens cut so far

    @cached_property
    def rendered(self) -> str:
        """The section as the model sees it; empty when nothing of it is left."""
        return f"{self.before}{self.text}{self.after}" if self.text else ""

    @cached_property
    def tokens(self) -> int:
        """Estimated tokens, with the gap that follows."""
        return estimate(self.rendered + GAP) if self.text else 0

    @cached_property
    def part(self) -> Part:
        """What the record says of it."""
        return Part(name=self.name, tokens=self.tokens, dropped=self.dropped, text=self.rendered)

    def bounded(self) -> Section:
        """The section without what fits into no window: to look at a text of megabytes takes long."""
        if len(self.text) <= _MOST:
            return self
        if self.newest_last:
            text = self.text[-_MOST:].partition(" ")[2] or self.text[-_MOST:]
            rest = self.text[: len(self.text) - len(text)]
        else:
            text = self.text[:_MOST].rpartition(" ")[0] or self.text[:_MOST]
            rest = self.text[len(text) :]
        return replace(self, text=text, dropped=self.dropped + estimate(rest))

    def within(self, allowed: int) -> Section:
        """The section cut to so many tokens; empty when hardly anything would be left."""
        if self.tokens <= allowed:
            return self
        room = allowed - estimate(self.before + self.after + GAP) - _CUT_TOKENS
        retained = _cut(self.text, room, from_start=self.newest_last) if room > 0 else ""
        lost = estimate(self.text) - estimate(retained)
        mark = _CUT.format(self.dropped + lost)
        text = "\n".join([mark, retained] if self.newest_last else [retained, mark]) if retained else ""
        return replace(self, text=text, dropped=self.dropped + lost)


def fit(sections: Sequence[Section], allowed: int) -> list[Section]:
    """The same sections in the same order, within their own allowances and `allowed` tokens together."""
    fitted = [section if section.allowance is None else section.within(section.allowance) for section in sections]
    for index in sorted(range(len(fitted)), key=lambda index: -fitted[index].rank):
        excess = sum(section.tokens for section in fitted) - allowed
        if excess <= 0:
            break
        fitted[index] = fitted[index].within(fitted[index].tokens - excess)
    return fitted


def _cut(text: str, room: int, *, from_start: bool) -> str:
    """As many whole lines as fit into `room` tokens, or as much of one line when none fits."""
    lines = text.splitlines()
    if from_start:
        lines.reverse()
    retained: list[str] = []
    for line in lines:
        room -= estimate(line + "\n")
        if room < 0:
            break
        retained.append(line)
    if not retained:
        piece = _cut_line(lines[0], room + estimate(lines[0] + "\n"), from_start=from_start)
        return f"… {piece}" if from_start and piece else piece  # its middle must not look like a line of its own
    return "\n".join(reversed(retained) if from_start else retained)


def _cut_line(line: str, room: int, *, from_start: bool) -> str:
    least, most = 0, min(len(line), _LONGEST_TOKEN * room)
    while least < most:
        middle = (least + most + 1) // 2
        piece = line[-middle:] if from_start else line[:middle]
        least, most = (middle, most) if estimate(piece) <= room else (least, middle - 1)
    return "" if not least else line[-least:] if from_start else line[:least]
