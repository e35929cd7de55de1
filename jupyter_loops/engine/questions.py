"""Answers what a check asks while it is examined; an equal question is paid for once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from jupyter_loops.core.candidate import Candidate, CandidateKind, Exit
from jupyter_loops.core.events import QuestionAnswered
from jupyter_loops.core.host_question import Answering, HostAnswer, HostQuestion
from jupyter_loops.core.ports import Sandbox
from jupyter_loops.core.recipe import Recipe, Word

from .approval_gate import ApprovalGate
from .event_recorder import EventRecorder
from .judge_caller import JudgeCaller

Key = tuple[int, int, str, str]  # check, site, digest of the value, who answers
Place = tuple[int, int, int]  # iteration, check, site

_UNSTEADY = "the value is another one each time it is made, so no person can approve it"


def _of_code(question: HostQuestion, candidate: Candidate) -> str:
    """The digest of a value together with the code that made it; of data the value's alone."""
    if candidate.kind is CandidateKind.DATA:
        return question.digest
    return hashlib.sha256(f"{question.digest}\n{candidate.text}".encode("utf-8", "surrogatepass")).hexdigest()


class NeedsPerson(Exception):
    """A check cannot go on without a person's answer. Carries the question, and ends the attempt."""

    def __init__(self, question: HostQuestion) -> None:
        super().__init__(question)
        self.question = question


@dataclass(slots=True, kw_only=True)
class Questions:
    """The judge, the approval gate, and what they have answered in this run or in the one that it resumes."""

    recipe: Recipe
    sandbox: Sandbox
    recorder: EventRecorder
    judging: JudgeCaller
    approvals: ApprovalGate
    rubrics: Mapping[str, str] = field(default_factory=dict)  # names of the notebook → text
    _answers: dict[Key, HostAnswer] = field(init=False, default_factory=dict)
    _decided: set[Place] = field(init=False, default_factory=set)  # by a person
    _unsteady: set[Place] = field(init=False, default_factory=set)  # the value differed in the next child

    def recall(self, answers: Iterable[QuestionAnswered]) -> None:
        """Add earlier answers, so that equal questions cost nothing."""
        for answered in answers:
            value = bool(answered.value) if answered.word == Word.APPROVE else answered.value
            key = (answered.check, answered.site, answered.digest, answered.by)
            self._answers[key] = HostAnswer(value=value, note=answered.note)

    async def prepare(self) -> None:
        """Before the first token: the judge can be paid, and a person can be reached. Raises PreflightError."""
        if any(check.asks_for(Word.APPROVE) for check in self.recipe.checks):
            self.approvals.prepare()
        if any(check.asks_for(Word.JUDGE) for check in self.recipe.checks):
            await self.judging.prepare()

    def answering(self, iteration: int, candidate: Candidate) -> Answering:
        """Who answers the checks of one candidate. Raises NeedsPerson, ModelError, BudgetError."""

        async def answer(question: HostQuestion) -> HostAnswer:
            if question.ask.word is Word.PYTEST:
                return await self._test(question, candidate)
            for digest in (question.digest, _of_code(question, candidate)):
                if (cached := self._answers.get(self._key(question, digest))) is not None:
                    return cached
            if question.ask.word is Word.APPROVE:
                if (iteration, question.check, question.site) in self._unsteady:
                    return HostAnswer(value=False, note=_UNSTEADY)
                raise NeedsPerson(question)
            rubric = question.ask.rubric or self.rubrics[question.ask.rubric_name]
            grade = await self.judging.grade(question, rubric, iteration)
            return self._remember(question, grade, iteration, question.digest)

        return answer

    async def put_to_person(self, question: HostQuestion, iteration: int, candidate: Candidate) -> None:
        """Ask a person. The durable answer holds from now on: a yes for the value, a no for its code."""
        place = (iteration, question.check, question.site)
        if place in self._decided:
            self._unsteady.add(place)
            return
        self._decided.add(place)
        answer = await self.approvals.decide(question)
        self._remember(question, answer, iteration, question.digest if answer.value else _of_code(question, candidate))

    def _remember(self, question: HostQuestion, answer: HostAnswer, iteration: int, digest: str) -> HostAnswer:
        key = self._key(question, digest)
        self.recorder.say(
            QuestionAnswered(
                iteration=iteration,
                word=question.ask.word,
                check=question.check,
                site=question.site,
                digest=digest,
                by=key[-1],
                value=float(answer.value),
                note=answer.note,
            )
        )
        self._answers[key] = answer
        return answer

    def _key(self, question: HostQuestion, digest: str) -> Key:
        who = self.judging.name if question.ask.word is Word.JUDGE else "a person"
        return question.check, question.site, digest, who

    async def _test(self, question: HostQuestion, candidate: Candidate) -> HostAnswer:
        """Run the user's tests in a child of their own: what a check has done to this one cannot reach them."""
        async with self.sandbox.attempt(candidate) as attempt:
            observation = await attempt.execute()
            if observation.exit is not Exit.OK:
                return HostAnswer(value=False, note="the code failed when the tests loaded it")
            return await attempt.test(question.ask.tests)
