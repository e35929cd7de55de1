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

LEAST_LINES = 60  # of an attempt that is worth editing; a shorter one is written anew
_EDIT = re.compile(r"^<{5,9} ?SEARCH[ \t]*\n(.*?)^={5,9}[ \t]*\n(.*?)^>{5,9} ?REPLACE[ \t]*$", re.MULTILINE | re.DOTALL)
_BEGUN = re.compile(r"^<{5,9} ?SEARCH", re.MULTILINE)


def edited(answer: str, attempts: Sequence[str]) -> str | None:
    """The attempt after the answer's edits, or None for an answer without edits.

    The edits are those of the first attempt that all of them fit. Every searched text has to stand in it once, line
    for line. Raises EditError where no attempt fits, or an edit is not whole.
    """
    answer = answer.replace("\r\n", "\n")
    edits = [(match[1], match[2]) for match in _EDIT.finditer(answer)]
    if len(edits) != len(_BEGUN.findall(answer)):
        raise EditError(_NOT_WHOLE, ErrorClass.MALFORMED)
    if not edits:
        return None
    problems = []
    for attempt in attempts:
        text, problem = _apply(attempt, edits)
        if not problem:
            return text
        problems.append(problem)
    raise EditError(problems[0] if problems else "there is no attempt to edit yet", ErrorClass.MALFORMED)


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
    """How often it stands there, overlaps counted."""
    count, place = 0, text.find(searched)
    while place >= 0:
        count, place = count + 1, text.find(searched, place + 1)
    return count


_NOT_WHOLE = "an edit is not whole: it needs a line of <<<<<<< SEARCH, one of =======, and one of >>>>>>> REPLACE"
