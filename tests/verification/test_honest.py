"""Right answers are verified: none is refused, none is flaky, at any level of isolation."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import sys

import pytest
from exam import Entry, Outcome, examined
from honest_corpus import CONCURRENCY, HONEST, HUMAN_EVAL, LANGUAGE, LIBRARIES, STDLIB

from jupyter_loops.core.candidate import Limits
from jupyter_loops.execution.isolation import _why_not_landlock as no_landlock

SHUT_IN = [*["landlock"] * (not no_landlock()), *["bubblewrap"] * (shutil.which("bwrap") is not None)]
EACH = 1 if os.environ.get("JUPYTER_LOOPS_SWEEP") else 5  # `make sweep`: every one at every level

SMOKE = 10 if os.environ.get("JUPYTER_LOOPS_SMOKE") else 1  # `.ci/pythons --smoke`: every tenth


def test_there_are_at_least_four_hundred_that_are_no_problems_of_human_eval():
    assert len({entry.cell for entry in HONEST}) >= 400
    assert len({entry.name for entry in HONEST}) == len(HONEST)
    assert len({name for entry in STDLIB for name in entry.name.split("(")[0].split(", ")[:-1]}) >= 150
    assert len(LANGUAGE) >= 100
    assert len(CONCURRENCY) >= 25
    assert len(LIBRARIES) >= 65
    assert len(HUMAN_EVAL) == 164


EVERY = [*HONEST, *HUMAN_EVAL]
TRIED = [("process", entry) for entry in EVERY[::SMOKE]]
TRIED += [(level, entry) for first, level in enumerate(SHUT_IN) for entry in EVERY[first % EACH :: EACH * SMOKE]]


@pytest.mark.parametrize(("level", "entry"), TRIED, ids=[f"{level}: {entry.name}" for level, entry in TRIED])
def test_a_right_answer_is_verified_each_time(entry: Entry, level: str):
    if sys.version_info < entry.since:
        pytest.skip(f"Python {entry.since[0]}.{entry.since[1]} reads it first")
    if entry.needs and importlib.util.find_spec(entry.needs) is None:
        pytest.skip(f"{entry.needs} is not there")

    patient = Limits(seconds=60.0)  # how fast this machine imports a library is not the question
    assert asyncio.run(examined(entry, level, times=2, limits=patient)) == [Outcome(), Outcome()]
