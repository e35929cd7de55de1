"""Every hostile candidate costs one attempt and nothing else, at each level of isolation."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from hostility import CASES, Case, Place, a_place

from jupyter_loops.core.candidate import Exit

KILL_SECONDS = 0.2
TRIES = 5  # others may be using this machine: a kill that is slow by itself is slow each time


@pytest.fixture
def place() -> Iterator[Place]:
    with a_place() as place:
        yield place


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_hostile_candidate_costs_one_attempt(
    *, case: Case, level, place, open_sandbox, make_recipe, still_running
):
    recipe = make_recipe(case.check, setup="EXPECTED = 1")
    async with open_sandbox(level, recipe, case.bounds) as box:
        scratch, kills = box.sandbox._scratch.root, []
        while len(kills) < TRIES and not any(each < KILL_SECONDS for each in kills):
            outcome = await box.run(case.text_at(place, level))
            last = outcome.executed if outcome.executed.exit is not Exit.OK else outcome.examined
            assert last.exit in case.exits, (last, outcome.verdicts)
            assert ("HARM" in outcome.executed.stdout + outcome.examined.stdout) == (level in case.harms)
            kills.append(last.kill_seconds or 0.0)
        assert min(kills) < KILL_SECONDS
        assert (await box.run("import os\ndef f(x): return x")).examined.exit is Exit.OK, "the next one is well"
        await asyncio.sleep(0)
    assert not still_running(scratch)
    assert not scratch.exists()
    if level != "process":
        assert place.victim.read_text() == "precious"
