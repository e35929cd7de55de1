"""Approval: a value waits until a person accepts or rejects it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import ndiff
from enum import StrEnum

from jupyter_loops.core.events import ApprovalRequested, NoteAdded
from jupyter_loops.core.host_question import Approval, HostAnswer, HostQuestion
from jupyter_loops.core.recipe import Recipe
from jupyter_loops.core.state import APPROVAL
from jupyter_loops.errors import PreflightError

from .run_context import RunContext

Callback = Callable[[Approval], bool | str]  # True: approved; False, or a comment: rejected


class Attendance(StrEnum):
    """Who can answer."""

    PERSON = "person"  # through the view, `%loops approve`, or `run.approve()`
    CALLBACK = "callback"
    AUTO = "auto"  # --auto-approve
    ABSENT = "nobody"


@dataclass(slots=True, kw_only=True)
class ApprovalGate:
    """Asks a person about one value at a time. The clock of the run is paused meanwhile, and no child lives."""

    recipe: Recipe
    context: RunContext
    attendance: Attendance = Attendance.ABSENT
    callback: Callback | None = None
    current: Mapping[str, str] = field(default_factory=dict)  # name → its value in the notebook now, as text
    _number: int = field(init=False, default=0)

    def prepare(self) -> None:
        """Raise PreflightError when nobody can answer."""
        waiting = [check for check in self.recipe.checks if any(ask.word == "approve" for ask in check.asks)]
        if waiting and self.attendance is Attendance.ABSENT:
            raise PreflightError(
                f"line {waiting[0].line}: approve(…) waits for a person, and nobody can answer here: run it in a "
                "notebook with a front end, pass --auto-approve, or Loop.run(approve=…)"
            )

    async def decide(self, question: HostQuestion) -> HostAnswer:
        """The person's answer, however long it takes. Raises PreflightError when nobody can answer."""
        self.prepare()
        approval = self._approval(question)
        if self.attendance is Attendance.AUTO:
            message = f"approved without a person (--auto-approve): {approval.check}"
            self.context.recorder.say(NoteAdded(iteration=approval.iteration, message=message))
            return HostAnswer(value=True, note="approved without a person")
        self.context.recorder.say(
            ApprovalRequested(
                iteration=approval.iteration,
                number=approval.number,
                check=approval.check,
                value_kind=approval.kind,
                value=approval.value,
                diff=approval.diff,
                digest=question.digest,
            )
        )
        if self.callback is not None:
            return await self._call(self.callback, approval)
        return await self._person(approval)

    async def _call(self, callback: Callback, approval: Approval) -> HostAnswer:
        async with self.context.waiting(APPROVAL):
            reply = await asyncio.to_thread(callback, approval)
        if isinstance(reply, str):
            return _rejected(reply)
        return HostAnswer(value=True, note="approved") if reply is True else _rejected("")

    async def _person(self, approval: Approval) -> HostAnswer:
        control = self.context.control
        control.ask(approval)
        try:
            async with self.context.waiting(APPROVAL):
                while (reply := control.answered()) is None:
                    await control.changed()
                    self.context.steer()
                self.context.steer()
        finally:
            control.ask(None)
        approved, comment = reply
        if not approved:
            return _rejected(comment)
        return HostAnswer(value=True, note=f"approved: {comment}" if comment else "approved")

    def _approval(self, question: HostQuestion) -> Approval:
        self._number += 1
        before = self.current.get(question.ask.value, "")
        return Approval(
            run=self.context.recorder.run,
            iteration=self.context.iteration,
            number=self._number,
            check=self.recipe.checks[question.check - 1].name,
            kind=question.kind,
            value=question.text,
            before=before,
            diff=_diff(before, question.text) if before else "",
        )


def _rejected(comment: str) -> HostAnswer:
    return HostAnswer(
        value=False, note=f"rejected: {comment.strip()}" if comment.strip() else "rejected, and no word why"
    )


def _diff(before: str, after: str) -> str:
    pairs = ndiff(before.splitlines(), after.splitlines())
    return "\n".join(pair[0] + pair[2:] for pair in pairs if pair[0] in " +-")
