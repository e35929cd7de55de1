"""No trick, and no composition of tricks, makes an exam pass that a right answer would have to pass."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from exam import Entry, Outcome, examined, opened
from hostile_corpus import ACTS, ALONE, EXAMS, PREFIXES, RIGHT, VALUES, WHOLE, composed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_loops.core.candidate import Limits

LIMITS = Limits(seconds=3.0)
Examine = Callable[[str, str], Outcome]


@contextmanager
def _sandbox(loop: asyncio.AbstractEventLoop, cell: str) -> Iterator[Callable[[str], Outcome]]:
    opening = opened(cell, limits=LIMITS)
    examine = loop.run_until_complete(opening.__aenter__())
    yield lambda text: loop.run_until_complete(examine(text))
    loop.run_until_complete(opening.__aexit__(None, None, None))


@pytest.fixture(scope="module")
def examine() -> Iterator[Examine]:
    """One open sandbox an exam, for all candidates: a trick must not help the next candidate either."""
    loop, open_ones = asyncio.new_event_loop(), {}
    with ExitStack() as stack:

        def ask(exam: str, text: str) -> Outcome:
            if exam not in open_ones:
                open_ones[exam] = stack.enter_context(_sandbox(loop, EXAMS[exam]))
            return open_ones[exam](text)

        yield ask
    loop.close()


@pytest.mark.parametrize("exam", EXAMS)
@pytest.mark.parametrize("trick", ALONE)
def test_no_trick_passes_alone(trick: str, exam: str, examine: Examine):
    assert not examine(exam, ALONE[trick]).verified


@pytest.mark.parametrize("entry", WHOLE, ids=lambda entry: entry.name)
def test_no_candidate_that_knows_its_exam_passes(entry: Entry):
    if entry.needs and importlib.util.find_spec(entry.needs) is None:
        pytest.skip(f"{entry.needs} is not there")
    (outcome,) = asyncio.run(examined(entry, limits=LIMITS))

    assert not outcome.verified


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    exam=st.sampled_from(sorted(EXAMS)),
    prefixes=st.lists(st.sampled_from(sorted(PREFIXES)), max_size=4, unique=True),
    acts=st.lists(st.sampled_from(sorted(ACTS)), max_size=2, unique=True),
    value=st.sampled_from(sorted(VALUES)),
)
def test_no_composition_of_tricks_passes(exam, prefixes, acts, value, examine: Examine):
    text = composed([PREFIXES[each] for each in prefixes], [ACTS[each] for each in acts], VALUES[value])

    assert not examine(exam, text).verified


@pytest.mark.parametrize("exam", EXAMS)
def test_a_right_answer_passes_after_all_of_them(exam: str, examine: Examine):
    assert examine(exam, RIGHT) == Outcome()
