"""A cell with a candidate for it, and what sandbox and verifier make of the two."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from jupyter_loops.core.candidate import Candidate, CandidateKind, Exit, Limits
from jupyter_loops.core.ports import Case, World
from jupyter_loops.core.recipe import Recipe
from jupyter_loops.execution.sandbox import ZygoteSandbox
from jupyter_loops.language import parse
from jupyter_loops.verification.verifier import LayeredVerifier


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One row of a corpus."""

    name: str
    cell: str
    candidate: str
    needs: str = ""  # a library
    since: tuple[int, int] = (3, 11)  # the first Python that reads it


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether a candidate was verified, and if not, why."""

    layer: str = ""  # that failed first; empty: verified
    why: str = ""

    @property
    def verified(self) -> bool:
        return not self.layer


@asynccontextmanager
async def opened(cell: str, level: str = "process", limits: Limits | None = None) -> AsyncIterator[Examiner]:
    recipe, sandbox = parse(cell, "exam"), ZygoteSandbox(level)
    await sandbox.open(World(recipe=recipe, limits=limits or Limits()))
    try:
        yield Examiner(recipe, sandbox)
    finally:
        await sandbox.close()


@dataclass(frozen=True, slots=True)
class Examiner:
    """Verifies candidates for one cell as the engine does, each in a process of its own."""

    recipe: Recipe
    sandbox: ZygoteSandbox

    async def __call__(self, text: str) -> Outcome:
        candidate = Candidate(kind=CandidateKind.CODE, text=text)
        case = Case(recipe=self.recipe, candidate=candidate)
        if not await LayeredVerifier().before(case):
            return _outcome(case)
        async with self.sandbox.attempt(candidate) as attempt:
            case.attempt, case.observation = attempt, await attempt.execute()
            if await LayeredVerifier().after(case):
                await attempt.deliver()
        return _outcome(case)


async def examined(entry: Entry, level: str = "process", times: int = 1, limits: Limits | None = None) -> list[Outcome]:
    """What became of the entry's candidate, each time in a fresh process."""
    async with opened(entry.cell, level, limits) as examine:
        return [await examine(entry.candidate) for _ in range(times)]


def _outcome(case: Case) -> Outcome:
    for verdict in case.verdicts:
        if not verdict.passed:
            return Outcome(verdict.layer.value, f"{verdict.check}: {verdict.message}")
    ran = case.observation
    if ran is None or ran.exit is not Exit.OK or not any(verdict.index for verdict in case.verdicts):
        return Outcome("execution", ran.exit.value if ran else "it was not executed")
    return Outcome()
