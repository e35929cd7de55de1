"""What a run has so far: its rounds, and the best of them."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field

from jupyter_loops.core.budget import Usage
from jupyter_loops.core.candidate import Candidate, Delivery, Exit, Fault, Layer, Observation, Verdict
from jupyter_loops.core.condition import Position
from jupyter_loops.core.memory import PastRound
from jupyter_loops.core.ports import IterationSummary
from jupyter_loops.core.recipe import CheckKind, Recipe
from jupyter_loops.errors import ErrorClass

_ITSELF = frozenset({Layer.PARSE, Layer.STATIC, Layer.SCHEMA})
PAST = 64  # rounds that a transcript may show: older ones are forgotten, so that a long run takes no more memory
_ADDRESS = re.compile(r"0x[0-9a-f]{6,}")  # of an object in a repr: another one in every child


@dataclass(slots=True, kw_only=True)
class Iteration:
    """One round while it is being worked on."""

    number: int
    before: Usage  # the ledger when it began
    candidate: Candidate | None = None
    digest: str = ""
    observation: Observation | None = None
    verdicts: list[Verdict] = field(default_factory=list)
    delivery: Delivery | None = None
    why: str = ""
    fault: str = ""  # ErrorClass of what kept it from being tried, or ended it
    feedback: tuple[str, ...] = ()

    def passed(self) -> int:
        """How many checks passed."""
        return sum(verdict.passed for verdict in self.verdicts if verdict.index)

    @property
    def error(self) -> str:
        """ErrorClass of what failed: the candidate itself, or a check of what it made; empty where nothing did."""
        failed = [verdict.layer for verdict in self.verdicts if not verdict.passed]
        broke = self.observation is not None and self.observation.exit is not Exit.OK
        if self.fault or not (failed or broke):
            return self.fault
        return ErrorClass.CANDIDATE if broke or failed[0] in _ITSELF else ErrorClass.CHECK

    @property
    def failed(self) -> bool:
        """Whether something kept it from passing, or nothing was tried."""
        return not self.verdicts or bool(self.error)

    @property
    def failed_only_hidden(self) -> bool:
        """Whether all that the model sees has passed, and something hidden has not."""
        return self.failed and any(v.hidden for v in self.verdicts) and all(v.passed or v.hidden for v in self.verdicts)

    def verified(self, recipe: Recipe) -> bool:
        """Whether every assert of the recipe was run and passed. Never true of a recipe without asserts."""
        if not recipe.asserts or not all(verdict.passed for verdict in self.verdicts):
            return False
        return recipe.asserts <= {verdict.index for verdict in self.verdicts}

    def awaits_person(self, recipe: Recipe) -> bool:
        """Whether everything passed except what a person has to approve."""
        if not all(verdict.passed for verdict in self.verdicts):
            return False
        settled = {n for n, check in enumerate(recipe.checks, 1) if check.layer is not Layer.APPROVAL}
        return settled <= {verdict.index for verdict in self.verdicts}

    def acceptable(self, recipe: Recipe) -> bool:
        """Whether the candidate may be delivered: verified, or, where only a score decides, scored."""
        if recipe.asserts:
            return self.verified(recipe)
        return self.score(recipe) is not None

    def score(self, recipe: Recipe) -> float | None:
        """The recipe's score as the cell's expression gave it; None without one."""
        for number, check in enumerate(recipe.checks if recipe.scores else (), 1):
            if check.kind is not CheckKind.ASSERT:
                metric = next((v.metric for v in self.verdicts if v.index == number and v.passed), None)
                if metric is not None:
                    return metric.value
        return None

    def outcome(self) -> str:
        """The outcome, in a form that is equal when the result is the same."""
        results = [f"{verdict.index}:{verdict.passed}:{verdict.message}" for verdict in self.verdicts]
        fault = self.observation.fault if self.observation else None
        return _ADDRESS.sub("0x", self._with_fault(results, fault))

    def _with_fault(self, results: list[str], fault: Fault | None) -> str:
        without = "" if results else re.split(r"[(:]", self.why)[0]  # not the answer that it quotes
        return "\n".join([*results, f"{fault.type}: {fault.message}" if fault else "", without])


@dataclass(slots=True)
class RunState:
    """The rounds so far, in order, and the best of them."""

    rounds: list[IterationSummary] = field(default_factory=list)
    best: Iteration | None = None
    best_key: tuple[float, float] = (-1.0, float("-inf"))
    last: Iteration | None = None
    beaten: Iteration | None = None  # the best before the last round, where that is the best now
    past: deque[PastRound] = field(default_factory=lambda: deque(maxlen=PAST))  # the newest rounds
    rejected: deque[str] = field(default_factory=lambda: deque(maxlen=8))  # one line a failed round, newest last
    since_best: int = 0  # rounds in a row that did not improve

    def position(self, recipe: Recipe, usage: Usage) -> Position:
        """The run's position, as conditions see it."""
        best = self.best
        return Position(
            usage=usage,
            verified=best is not None and best.verified(recipe),
            accepted=best is not None and best.delivery is not None,
            progress=max(self.best_key[0], 0.0),
            score=self.best_score(recipe),
            maximize=_maximizes(recipe),
            since_best=self.since_best,
        )

    def best_score(self, recipe: Recipe) -> float | None:
        """The score of the best round, in the cell's units."""
        return self.best.score(recipe) if self.best else None

    def scores(self, recipe: Recipe) -> tuple[float | None, ...]:
        """The score of each round in the cell's units, oldest first; None where it has none."""
        return tuple(turned(recipe, summary.score) for summary in self.rounds) if recipe.scores else ()

    def tried(self, digest: str) -> int | None:
        """The round that tried this candidate; None where none has."""
        return next((summary.iteration for summary in self.rounds if digest and summary.digest == digest), None)

    def add(self, iteration: Iteration, progress: float, score: float | None) -> bool:
        """Add a finished round; True when it is the best so far. A higher `score` is better: see `turned`."""
        self.rounds.append(
            IterationSummary(
                iteration=iteration.number,
                digest=iteration.digest,
                outcome=iteration.outcome(),
                progress=progress,
                score=score,
            )
        )
        if self.last is not None and self.last.failed and self.last.why not in self.rejected:
            self.rejected.append(self.last.why)
        self.last = iteration
        self.past.append(
            PastRound(
                iteration=iteration.number,
                candidate=iteration.candidate,
                feedback=iteration.feedback,
                why=iteration.why,
            )
        )
        key = (progress, float("-inf") if score is None else score)
        better = iteration.candidate is not None and key > self.best_key
        self.since_best = 0 if better else self.since_best + 1
        self.beaten = self.best if better else None
        if better:
            self.best, self.best_key = iteration, key
        return better


def _maximizes(recipe: Recipe) -> bool:
    return not recipe.scores or recipe.scores[0].kind is CheckKind.MAXIMIZE


def turned(recipe: Recipe, score: float | None) -> float | None:
    """A score so that higher is better, or such a score as the cell's expression gave it."""
    return score if score is None or _maximizes(recipe) else -score
