"""The checks of one iteration: what is sent to the child, and the verdicts that it returns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from jupyter_loops.core.candidate import Verdict
from jupyter_loops.core.host_question import HostAnswer, HostQuestion
from jupyter_loops.core.recipe import Check, Recipe

from . import border
from .channel import GarbageError

_KINDS = frozenset({"text", "json", "code", "table", "repr"})  # child.portray
_LONGEST = 20_000  # characters of a value
_MOST = 32  # questions of one check
Program = Callable[[Check, int], dict[str, Any]]  # a check and its number → what the child runs


class Examination:
    """Collects one verdict for each check, in order, even if the child ends early."""

    def __init__(self, recipe: Recipe, checks: Sequence[Check], program: Program) -> None:
        self._checks, self._program = tuple(checks), program
        self._index = positions(recipe, checks)
        self._verdicts: list[Verdict] = []
        self._answers: list[HostAnswer] = []  # for the current check
        self._question_count = 0

    def orders(self) -> list[dict[str, Any]]:
        """What the child needs to know of each check."""
        return [self._program(check, index) for check, index in zip(self._checks, self._index, strict=True)]

    def add_verdict(self, message: dict[str, Any], _blobs: list[bytes]) -> None:
        """Take one verdict from the child. Raises GarbageError."""
        if message["said"] == "verdict" and len(self._verdicts) < len(self._checks):
            self._verdicts.append(self._read(border.field(message, "verdict", dict)))
        else:
            raise GarbageError("one verdict too many")

    def question(self, message: dict[str, Any]) -> HostQuestion:
        """Read a question. Raises GarbageError if the current check does not ask it."""
        place, site = len(self._verdicts), border.field(message, "site", int)
        if place == len(self._checks) or border.field(message, "check", int) != self._index[place]:
            raise GarbageError("a question of another check")
        asks = self._checks[place].asks
        self._question_count += 1
        if not 0 <= site < len(asks) or self._question_count > _MOST:
            raise GarbageError("a question too many")
        kind = border.field(message, "kind", str)
        if kind not in _KINDS:
            raise GarbageError("kind")
        words = border.text(message, "text", _LONGEST)
        return HostQuestion(check=self._index[place], site=site, ask=asks[site], kind=kind, text=words)

    def add_answer(self, answer: HostAnswer) -> None:
        """Store an answer for the verdict of the current check."""
        self._answers.append(answer)

    def verdicts(self, ending: str) -> list[Verdict]:
        """All verdicts. If the child ended early, the first check without a verdict fails with `ending`."""
        missing = range(len(self._verdicts), len(self._checks) if ending else 0)
        unheard = [
            self._verdict(place, passed=False, message=ending if place == missing.start else "was not reached")
            for place in missing
        ]
        return [*self._verdicts, *unheard]

    def _read(self, content: dict[str, Any]) -> Verdict:
        verdict = self._verdict(
            len(self._verdicts),
            passed=border.field(content, "passed", bool),
            message=border.text(content, "message"),
            values=border.values(content),
            metric=border.metric(content.get("metric")),
            seconds=border.number(content, "seconds"),
            fault=border.fault(content.get("fault")),
        )
        answers, self._answers, self._question_count = self._answers, [], 0
        return _explained(verdict, answers)

    def _verdict(self, place: int, **content: Any) -> Verdict:
        check = self._checks[place]
        return Verdict(check=check.name, layer=check.layer, index=self._index[place], hidden=check.hidden, **content)


def _explained(verdict: Verdict, answers: Sequence[HostAnswer]) -> Verdict:
    """The verdict with the notes of judges, persons and tests, which explain more than the values do."""
    notes = "; ".join(dict.fromkeys(answer.note for answer in answers if answer.note))
    details = {key: text for answer in answers for key, text in answer.details.items()}
    if not notes and not details:
        return verdict
    message = notes if verdict.fault is None else f"{verdict.message}; {notes}"
    return replace(verdict, message=message or verdict.message, values={**verdict.values, **details})


def positions(recipe: Recipe, checks: Sequence[Check]) -> list[int]:
    """The position of each check in its recipe, from 1; 0 for a check of another recipe."""
    same = {id(listed_check): place for place, listed_check in reversed([*enumerate(recipe.checks, 1)])}
    return [same.get(id(check)) or _equal(recipe, check) for check in checks]


def _equal(recipe: Recipe, check: Check) -> int:
    return next((place for place, listed_check in enumerate(recipe.checks, 1) if listed_check == check), 0)
