"""The table of hostile candidates: what each was limited by, how it ended, how long its death took, at each level.

`python hostile.py [NUMBER | WORDS]`: the first so many, or those whose names hold the words; all, without.

The candidates are those that the tests run (`tests/execution/hostility.py`). `HARM` means that the candidate got
what it wanted: the level cannot stop it, and the lists at the end say so.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

from target import beside

from jupyter_loops.core.candidate import Candidate, CandidateKind, Exit
from jupyter_loops.core.ports import World
from jupyter_loops.core.recipe import Check, Recipe, Target, TargetKind
from jupyter_loops.errors import PreflightError
from jupyter_loops.execution.isolation import choose
from jupyter_loops.execution.platform import Platform
from jupyter_loops.execution.sandbox import ZygoteSandbox

sys.path.append(str(Path(__file__).parents[1] / "execution"))
from hostility import CASES, Case, Place, a_place


def levels() -> dict[str, str]:
    """Those of which there are columns, and why a column is empty here."""
    found = dict.fromkeys(("process", "landlock", "bubblewrap", "container"), "")
    for level in found:
        try:
            choose(level, None, Platform.here())
        except PreflightError as error:
            found[level] = str(error)
    return found


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one candidate at one level."""

    exit: Exit
    passed: bool  # the check
    harm: bool
    expected: bool
    kill_seconds: float | None
    next_is_well: bool

    def is_odd(self) -> bool:
        """Whether it is not what the tests demand."""
        return not (self.expected and self.next_is_well)

    def __str__(self) -> str:
        ended = ("passed" if self.passed else "failed") if self.exit is Exit.OK else str(self.exit)
        what = "HARM" if self.harm else ended
        took = "" if self.kill_seconds is None else f"{self.kill_seconds * 1e3:.1f} ms"
        odd = " !" if self.is_odd() else ""
        return f"{what + odd:<12}{took:>9}"


async def meet(case: Case, level: str) -> Outcome:
    """Run one candidate in a place of its own, which it may harm."""
    with a_place() as place:
        return await met(case, level, place)


async def met(case: Case, level: str, place: Place) -> Outcome:
    """Run one candidate, its check if it gets so far, and a good candidate after it."""
    check = Check(name=case.check, source=case.check, line=5)
    stub = Target(name="f", kind=TargetKind.FUNCTION, source="def f(x): ...")
    recipe = Recipe(name="hostile", goal="", targets=(stub,), checks=(check,), setup="EXPECTED = 1")
    sandbox = ZygoteSandbox(level, watched=False)
    try:
        await sandbox.open(World(recipe=recipe, limits=case.bounds))
        async with sandbox.attempt(code(case.text_at(place, level))) as attempt:
            last = executed = await attempt.execute()
            said, verdicts = executed.stdout, []
            if executed.exit is Exit.OK:
                verdicts, last = await attempt.examine(recipe.checks)
                said += last.stdout
        async with sandbox.attempt(code("def f(x): return x")) as attempt:
            after = await attempt.execute()
    finally:
        await sandbox.close()
    return Outcome(
        exit=last.exit,
        passed=bool(verdicts) and all(verdict.passed for verdict in verdicts),
        harm="HARM" in said,
        expected=last.exit in case.exits and ("HARM" in said) == (level in case.harms),
        kill_seconds=last.kill_seconds,
        next_is_well=after.exit is Exit.OK,
    )


def code(text: str) -> Candidate:
    return Candidate(kind=CandidateKind.CODE, text=text)


def limit(case: Case) -> str:
    """The limits that the case sets, in short."""
    return ", ".join(f"{name}={value:.10g}" for name, value in case.limits.items()) or "-"


def wanted() -> list[Case]:
    """The candidates that were asked for."""
    [word] = sys.argv[1:] or [""]
    return list(CASES[: int(word)] if word.isdigit() else [case for case in CASES if word in case.name])


async def main() -> int:
    missing = levels()
    here = [level for level, why in missing.items() if not why]
    print(f"  {'candidate':66}{'limit':38}" + "".join(f"{level:<24}" for level in here) + "kill")
    outcomes: dict[str, dict[str, Outcome]] = {}
    for case in wanted():
        each = outcomes[case.name] = {level: await meet(case, level) for level in here}
        worst = max((one.kill_seconds or 0.0 for one in each.values()), default=0.0)
        latency = beside(worst * 1e3, 200, "ms") if worst else ""
        row = "".join(f"{one!s:<24}" for one in each.values())
        print(f"  {case.name:66}{limit(case):38}{row}{latency}", flush=True)
    killed = sorted(one.kill_seconds for each in outcomes.values() for one in each.values() if one.kill_seconds)
    if killed:
        median, worst = killed[len(killed) // 2] * 1e3, killed[-1] * 1e3
        print(f"\n  {len(outcomes)} candidates, {len(killed)} killed: median {median:.1f} ms, worst {worst:.1f} ms")
    for level, why in missing.items():
        free = [name for name, each in outcomes.items() if level in each and each[level].harm]
        print(f"\n  what `{level}` cannot stop: {why or '; '.join(free) or 'nothing of these'}")
    odd = [name for name, each in outcomes.items() if any(map(Outcome.is_odd, each.values()))]
    if odd:
        print(f"\n  not as expected: {'; '.join(odd)}")
    return len(odd)


if __name__ == "__main__":
    sys.exit(min(asyncio.run(main()), 1))
