"""Keeps text that somebody else wrote apart from the words of a prompt: no line of it can begin a section."""

from __future__ import annotations

import re


def fence(text: str) -> str:
    """A line of backticks that is longer than any in the text."""
    return "`" * max([3, *(len(run) + 1 for run in re.findall("`{3,}", text))])


def fenced(text: str, language: str = "") -> str:
    """The text between two fences."""
    marks = fence(text)
    return f"{marks}{language}\n{text}\n{marks}"


def item(text: str) -> str:
    """The text as one item of a list, a bar before each of its further lines."""
    first, *more = text.splitlines() or [""]
    return "\n".join([f"- {first}", *(f"  | {line}" for line in more if line.strip())])
