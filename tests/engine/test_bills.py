"""What is booked of a bill, and what is told of the rest."""

import pytest

from jupyter_loops.core.budget import Price
from jupyter_loops.core.message import Completion
from jupyter_loops.history import open_history
from jupyter_loops.history.day import DayBook

DOUBLE = '''def double(n: int) -> int:
    """Twice n."""

assert double(2) == 4
'''
RIGHT = "```python\ndef double(n):\n    return 2 * n\n```"
PRICE = Price(prompt=1e-6, completion=4e-6)


def booked(start, ear, prompt, completion, **options):
    answer = Completion(text=RIGHT, prompt_tokens=prompt, completion_tokens=completion, model="mine")
    run = start(DOUBLE, answer, price=PRICE, **options)
    assert run.wait(30).reason == "verified", run.termination.message
    [call] = ear.of("call_finished")
    [asked] = ear.of("call_started")
    counted = asked.reserved_tokens - asked.sampling["max_tokens"]
    notes = [note.message for note in ear.of("note_added") if "billed" in note.message]
    return call, counted, asked.sampling["max_tokens"], notes


def test_a_bill_within_what_was_set_aside_is_believed(start, ear):
    call, _, _, notes = booked(start, ear, 90, 30)

    assert (call.prompt_tokens, call.completion_tokens, call.estimated, notes) == (90, 30, False, [])


@pytest.mark.parametrize("prompt", [-5, 0, 1])
def test_a_prompt_that_cannot_be_so_short_is_counted_here(start, ear, prompt):
    call, counted, _, _ = booked(start, ear, prompt, 30)

    assert (call.prompt_tokens, call.estimated) == (counted, True)


def test_a_bill_beyond_it_is_charged_marked_and_told(start, ear):
    call, counted, allowed, [note] = booked(start, ear, 90, 9000)

    assert (call.prompt_tokens, call.completion_tokens, call.estimated) == (90, 9000, True)
    assert f"billed 90 + 9,000 tokens, where {counted} were sent and {allowed:,} allowed" in note
    assert note.endswith("charged as billed")


@pytest.mark.parametrize("completion", [10**15, 10**30])
def test_a_bill_that_cannot_be_right_is_charged_as_the_most_that_was_allowed(start, ear, completion):
    call, _, allowed, [note] = booked(start, ear, 90, completion)

    assert (call.prompt_tokens, call.completion_tokens, call.estimated) == (90, allowed, True)
    assert note.endswith(f"charged as {90 + allowed:,}")


def test_a_bill_beyond_what_was_set_aside_is_not_taken_from_the_day(start, ear, tmp_path):
    call, counted, allowed, _ = booked(start, ear, 90, 100_000, daily_usd=0.1, usd=None)
    (page,) = tmp_path.glob("*.journal/today.json")

    assert call.usd > 0.1
    assert DayBook(page).read().settled == pytest.approx(PRICE.worst(counted, allowed))


def test_a_bill_beyond_what_was_set_aside_does_not_close_the_day_of_a_later_kernel(start, ear, tmp_path):
    call, counted, allowed, _ = booked(start, ear, 90, 100_000, daily_usd=0.1, usd=None)
    (page,) = tmp_path.glob("*.journal/today.json")
    page.unlink()  # what another kernel knows of the day is what the history says
    history = open_history(tmp_path / "history.duckdb")

    assert history.day(0.1).read().settled == pytest.approx(PRICE.worst(counted, allowed))
    assert history.total_usd() == pytest.approx(call.usd)
