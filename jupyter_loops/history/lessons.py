"""What a verified run teaches: a check that failed, and what the verified candidate has otherwise, by no model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import unified_diff
from typing import Any

from .loop_memories import Lesson

MOST = 3  # lessons of a run
_LINES, _WIDTH = 8, 120  # of a change that is a lesson; a larger one is a new attempt
_VISIBLE = frozenset({"checks", "metrics"})  # layers whose messages the model was told

Row = Mapping[str, Any]


def lessons(rounds: Sequence[Row], verdicts: Sequence[Row], best: int) -> list[Lesson]:
    """Up to three, of the checks that failed in most rounds. `rounds` and `verdicts` are rows of the history."""
    codes = {row["iteration"]: row["candidate"] for row in rounds if row["candidate"]}
    failed: dict[str, Row] = {}  # check → its verdict in the last round in which it failed first
    first_of: dict[int, Row] = {}
    for row in verdicts:
        if not row["passed"]:
            first_of.setdefault(row["iteration"], row)
    shown = {
        number: row
        for number, row in sorted(first_of.items())
        if row["layer"] in _VISIBLE and not row["hidden"] and number in codes and number < best
    }
    failed.update((row["check_name"], row) for row in shown.values())
    often = Counter(row["check_name"] for row in shown.values())
    found = (_lesson(failed[check], codes, best) for check, _ in often.most_common() if best in codes)
    return [lesson for lesson in found if lesson is not None][:MOST]


def _lesson(row: Row, codes: Mapping[int, str], best: int) -> Lesson | None:
    before, after = (codes[number].splitlines() for number in (row["iteration"], best))
    lines = [*unified_diff(before, after, lineterm="", n=0)][2:]
    changed = [line[:_WIDTH] for line in lines if line[1:].strip() and not line.startswith("@@")]
    if not 0 < len(changed) <= _LINES:
        return None
    why = " ".join((row["message"] or "").split())[:_WIDTH]
    heading = f"{row['check_name']} failed{f' ({why})' if why else ''}, and passed after this change:"
    text = "\n".join([heading, *changed])
    return Lesson(text=text, failure=row["check_name"], iteration=row["iteration"])
