"""Edits of an earlier attempt, as a model may answer instead of the whole code.

The form is the one of conflict markers, which models know from their training:

    <<<<<<< SEARCH
    lines of the attempt
    =======
    lines in their place
    >>>>>>> REPLACE
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from jupyter_loops.errors import EditError, ErrorClass

from .thoughts import after_thoughts

LEAST_LINES = 60  # of an attempt that is worth editing; a shorter one is written anew
MOST = 200  # edits of one answer
_MARKS = (re.compile(r"<{5,9} ?SEARCH\s*"), re.compile(r"={5,9}\s*"), re.compile(r">{5,9} ?REPLACE\s*"))


def editable(attempt: str) -> bool:
    """Whether a model is offered to edit it."""
    return attempt.count("\n") >= LEAST_LINES


def edited(answer: str, attempts: Sequence[str]) -> str | None:
    """The attempt after the answer's edits, or None for an answer without edits.

    The edits are those of the first attempt that all of them fit. Every searched text has to stand in it once, line
    for line. Raises EditError where no attempt fits, or an edit is not whole.
    """
    edits = _edits(after_thoughts(answer.replace("\r\n", "\n"), lambda _: [])[0])
    if not edits:
        return None
    if len(edits) > MOST:
        raise EditError(f"the answer has {len(edits)} edits, and at most {MOST} are read", ErrorClass.MALFORMED)
    problems = []
    for attempt in attempts:
        text, problem = _apply(attempt, edits)
        if not problem:
            return text
        problems.append(problem)
    raise EditError(problems[0] if problems else "there is no attempt to edit yet", ErrorClass.MALFORMED)


def _edits(answer: str) -> list[tuple[str, str]]:
    """Searched text and replacement of each edit. One pass over the lines. Raises EditError."""
    edits = list[tuple[str, str]]()
    sides: tuple[list[str], ...] = ([], [])
    inside = 0  # 0: between edits, 1: in the searched text, 2: in the replacement
    for line in answer.split("\n"):
        if inside != 1 and _MARKS[0].fullmatch(line):
            if inside:
                raise EditError(_NOT_WHOLE, ErrorClass.MALFORMED)
            inside, sides = 1, ([], [])
        elif inside and _MARKS[inside].fullmatch(line):
            if inside == len(sides):
                edits.append(("".join(sides[0]), "".join(sides[1])))
            inside = (inside + 1) % len(_MARKS)
        elif inside:
            sides[inside - 1].append(f"{line}\n")
    if inside:
        raise EditError(_NOT_WHOLE, ErrorClass.MALFORMED)
    return edits


def _apply(attempt: str, edits: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """The text after the edits, and what does not fit."""
    text = f"\n{attempt.rstrip()}\n"
    for number, (searched, replacement) in enumerate(edits, 1):
        found = _times(f"\n{searched}", text) if searched.strip() else 0
        if found != 1:
            where = f"stands there {found} times" if found else "does not stand there"
            return "", f"the SEARCH text of edit {number} {where}: {' '.join(searched.split())[:80] or 'it is empty'}"
        text = text.replace(f"\n{searched}", f"\n{replacement}")
    return text[1:], ""


def _times(searched: str, text: str) -> int:
    """How often it stands there, overlaps counted, up to 2."""
    first = text.find(searched)
    return 0 if first < 0 else 1 if text.find(searched, first + 1) < 0 else 2


_NOT_WHOLE = "an edit is not whole: it needs a line of <<<<<<< SEARCH, one of =======, and one of >>>>>>> REPLACE"
