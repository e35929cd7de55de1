"""What the runs of a loop leave for later ones, and what a person notes for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from jupyter_loops.core.redaction import redact

from .loop_memory import ADD, DROP, FAILURES, KINDS_TOLD, REMOVE, TOLD, USELESS, VERIFIED_CODE
from .queries import HistoryQueries

LONGEST = 2000  # characters of a note or a lesson
SHOWINGS = 3  # runs that a lesson is told to before its effect counts


class Remembered(StrEnum):
    """A kind of row in `loop_memory`."""

    NOTE = "note"
    LESSON = "lesson"
    FORGOTTEN = "forgotten"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What mended a failed check, and where that was seen."""

    text: str
    failure: str  # the check's name
    iteration: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedCode:
    """Code that passed all checks of its cell."""

    loop: str
    run_id: str
    target: str  # the name that it defines
    text: str


class LoopMemories(HistoryQueries):
    """A history that remembers for a loop."""

    def add_note(self, loop: str, text: str) -> None:
        """Tell all later runs of the loop this. Secrets are not stored."""
        self._change(loop, Remembered.NOTE, [Lesson(text=text, failure="", iteration=0)])

    def add_lessons(self, loop: str, run_id: str, lessons: Sequence[Lesson]) -> None:
        """Tell all later runs of the loop what a run has learnt, but for checks of which there is a lesson."""
        known = {failure for _, failure in self.lessons(loop)}
        if new := [lesson for lesson in lessons if lesson.failure not in known]:
            self._change(loop, Remembered.LESSON, new, run_id)

    def remembered(self, loop: str) -> set[str]:
        """The kinds of what there is to tell of a loop."""
        return {kind for (kind,) in self.sql(KINDS_TOLD, {"loop": loop}).fetchall()}

    def guidance(self, loop: str) -> list[str]:
        """The notes of a person on a loop, oldest first."""
        return [text for text, _ in self.sql(TOLD, {"loop": loop, "kind": Remembered.NOTE}).fetchall()]

    def lessons(self, loop: str) -> list[tuple[str, str]]:
        """What earlier runs of a loop have learnt, and the check that it is about; without what has not helped."""
        useless = self.sql(USELESS, {"loop": loop, "enough": SHOWINGS}).fetchall()
        if useless:
            with self._opened().store.writing(self.journal) as cursor:
                for number, why in useless:
                    cursor.execute(DROP, {"loop": loop, "number": number, "why": why})
        rows: list[tuple[str, str]] = self.sql(TOLD, {"loop": loop, "kind": Remembered.LESSON}).fetchall()
        return rows

    def past_failures(self, loop: str, goal: str, hidden: Sequence[str], most: int) -> list[str]:
        """Visible checks that failed in earlier runs of a loop, of the most similar goals first; none of `hidden`."""
        values = {"loop": loop, "goal": goal, "hidden": list(hidden), "most": most}
        return [text for (text,) in self.sql(FAILURES, values).fetchall()]

    def verified_code(self, goal: str) -> list[VerifiedCode]:
        """Code of one target that was verified, of the most similar goals first."""
        return [VerifiedCode(**row) for row in self.sql(VERIFIED_CODE, {"goal": goal}).dicts()]

    def forget_memory(self, loop: str, kind: Remembered) -> int:
        """Remove the notes or the lessons of a loop, or tell of no failure until now; gives how many there were."""
        if kind is Remembered.FORGOTTEN:
            failures = len(self.past_failures(loop, "", [], 1_000_000))
            self._change(loop, kind, [Lesson(text="", failure="", iteration=0)])
            return failures
        ((count,),) = self.sql(
            "SELECT count(*) FROM loop_memory WHERE loop = $loop AND kind = $kind", {"loop": loop, "kind": kind}
        ).fetchall()
        self._change(loop, kind, [])
        return int(count)

    def _change(self, loop: str, kind: Remembered, added: Sequence[Lesson], run_id: str | None = None) -> None:
        """Add rows; without any, remove all of the kind."""
        with self._opened().store.writing(self.journal) as cursor:
            if not added:
                cursor.execute(REMOVE, {"loop": loop, "kind": str(kind)})
            for row in added:
                values = {
                    "loop": loop,
                    "kind": str(kind),
                    "text": redact(row.text)[:LONGEST],
                    "run": run_id,
                    "iteration": row.iteration or None,
                    "failure": row.failure or None,
                }
                cursor.execute(ADD, values)
