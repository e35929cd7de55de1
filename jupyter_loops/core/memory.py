"""What a round knows of the rounds before it: a fresh context with a small carry-over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .candidate import Candidate
from .recollection import Recollection

MOST_MISFITS = 2  # answers of a round whose edits could not be applied, before the whole is asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRound:
    """A finished round, for a transcript."""

    iteration: int
    candidate: Candidate | None  # None: the answer could not be read
    feedback: tuple[str, ...]  # one item a failed check
    why: str  # its outcome in one line


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What the planner may tell the model. It stays small, so that every round costs about the same."""

    iteration: int = 1  # the round that is being planned
    item: str = ""  # the row of a map, as the model reads it
    best: Candidate | None = None
    last: Candidate | None = None
    beaten: Candidate | None = None  # the best before the last attempt, where that is the best now
    scores: tuple[float | None, ...] = ()  # of all attempts, oldest first, in the cell's units; None: it has none
    best_score: float | None = None
    failures: tuple[str, ...] = ()  # feedback on `last`, one item a failed check
    only_hidden: bool = False  # `last` passed every check that the model sees, and failed a hidden one
    rejected: tuple[str, ...] = ()  # earlier failed approaches, one line each, oldest first
    rounds: tuple[PastRound, ...] = ()  # the newest, oldest first; only a rolling transcript shows them
    hints: tuple[str, ...] = ()  # a person's words during the run
    recollection: Recollection = field(default_factory=Recollection)  # of earlier runs
    notes: tuple[str, ...] = ()  # the loop's own words: a nudge
    remaining_budget: str = ""  # what is left of the budget, once it is little
    stuck: int = 0  # rounds in a row without progress; the sampling schedule reads it
    bold: int = 0  # 1: more than the sampling schedule would dare
    repeats: int = 0  # answers of this round that had been tried before
    misfits: tuple[str, ...] = ()  # why the edits of earlier answers of this round could not be applied
    names: Mapping[str, str] = field(default_factory=dict)  # notebook name → one-line summary of its value
    schemas: Mapping[str, Mapping[str, object]] = field(default_factory=dict)  # data target → JSON schema

    @property
    def attempts(self) -> tuple[str, ...]:
        """What edits may be applied to, the last one first; none once edits of this round have failed twice."""
        if len(self.misfits) >= MOST_MISFITS:
            return ()
        return tuple(dict.fromkeys(each.text for each in (self.last, self.best) if each is not None))

    def fresh(self) -> Memory:
        """Without what earlier rounds tried."""
        return replace(self, best=None, last=None, beaten=None, failures=(), only_hidden=False, rejected=(), rounds=())
