"""Real children: a recipe in a line, a sandbox opened on it, and what a candidate came to in it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from jupyter_loops.core.candidate import Candidate, CandidateKind, Limits, Observation, Verdict
from jupyter_loops.core.imports import Imports
from jupyter_loops.core.ports import World
from jupyter_loops.core.recipe import Check, CheckKind, Recipe, Target, TargetKind
from jupyter_loops.execution import tree
from jupyter_loops.execution.isolation import _why_not_landlock as no_landlock
from jupyter_loops.execution.pool import Pool
from jupyter_loops.execution.sandbox import ZygoteSandbox

LEVELS = [
    "process",
    pytest.param("landlock", marks=pytest.mark.skipif(bool(no_landlock()), reason=no_landlock() or "it works")),
    pytest.param("bubblewrap", marks=pytest.mark.skipif(not shutil.which("bwrap"), reason="no bwrap")),
]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one candidate."""

    executed: Observation
    examined: Observation
    verdicts: list[Verdict]

    @property
    def passed(self) -> list[bool]:
        return [verdict.passed for verdict in self.verdicts]


def code(text: str) -> Candidate:
    return Candidate(kind=CandidateKind.CODE, text=text)


def data(text: str) -> Candidate:
    return Candidate(kind=CandidateKind.DATA, text=text)


def recipe_of(*checks: str | Check, setup: str = "", targets: tuple[Target, ...] | None = None) -> Recipe:
    function = Target(name="f", kind=TargetKind.FUNCTION, source="def f(x): ...")
    read = tuple(
        each if isinstance(each, Check) else Check(name=each.removeprefix("assert "), source=each, line=line)
        for line, each in enumerate(checks, 10)
    )
    return Recipe(name="demo", goal="g", targets=(function,) if targets is None else targets, checks=read, setup=setup)


@asynccontextmanager
async def opened(
    level: str,
    recipe: Recipe,
    limits: Limits | None = None,
    imports: Imports | None = None,
    *,
    offered: Mapping[str, object] | None = None,
    given: frozenset[str] = frozenset(),
    pool: Pool | None = None,
    **names: object,
) -> AsyncIterator[Sandboxed]:
    sandbox = ZygoteSandbox(level, pool=pool, watched=False)
    limits, imports = limits or Limits(), imports or Imports()
    world = World(recipe=recipe, names=names, limits=limits, imports=imports, offered=offered or {}, given=given)
    try:
        readiness = await sandbox.open(world)
        yield Sandboxed(sandbox, readiness, recipe)
    finally:
        await sandbox.close()


@dataclass
class Sandboxed:
    """An open sandbox."""

    sandbox: ZygoteSandbox
    readiness: object
    recipe: Recipe

    def children(self) -> list[int]:
        """Processes below the zygote."""
        return tree.descendants(self.sandbox._workers.now.pid)

    async def run(self, candidate: Candidate | str) -> Outcome:
        candidate = code(candidate) if isinstance(candidate, str) else candidate
        async with self.sandbox.attempt(candidate) as attempt:
            executed = await attempt.execute()
            verdicts, examined = await attempt.examine(self.recipe.checks)
        return Outcome(executed=executed, examined=examined, verdicts=verdicts)


def running_in(folder: Path) -> list[int]:
    """Processes anywhere on the machine that were started with this folder in their environment."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and str(folder).encode() in (process / "environ").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue
    return found


@pytest.fixture
def make_recipe() -> Callable[..., Recipe]:
    return recipe_of


@pytest.fixture
def open_sandbox() -> Callable[..., object]:
    return opened


@pytest.fixture(params=LEVELS)
def level(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def still_running() -> Callable[[Path], list[int]]:
    return running_in


@pytest.fixture
def hidden_check() -> Callable[[str], Check]:
    return lambda source: Check(name=source, source=source, hidden=True, line=20)


@pytest.fixture
def score() -> Callable[[str, str], Check]:
    return lambda kind, expression: Check(name=expression, source=f"{kind}({expression})", kind=CheckKind(kind))


@pytest.fixture(name="code")
def as_code() -> Callable[[str], Candidate]:
    return code


@pytest.fixture
def as_data() -> Callable[[str], Candidate]:
    return data
