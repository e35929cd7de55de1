"""The ladder in real runs: what is tried, in which order, with which reason, and what the model gets to see."""

from __future__ import annotations

import json

import pytest

from jupyter_loops.planning.models.replay import ReplayModel
from jupyter_loops.planning.sampling import BOLDER, LADDER

DOUBLE = '''
def double(n: int) -> int:
    """Twice n."""

assert double(2) == 4
assert double(5) == 10
'''
WRONG = "```python\ndef double(n):\n    return -1\n```"
RENAMED = "```python\ndef double(n):\n    'Doc.'\n    return -1  # {}\n```"
OTHER = "```python\ndef double(n):\n    return -2\n```"
RIGHT = "```python\ndef double(n):\n    return n + n\n```"


def steps(ear):
    return [event for event in ear.of("request_adapted") if event.what == "ladder"]


def asked(model):
    return ["\n".join(message.content for message in prompt.messages) for prompt in model.asked]


def test_repetition_climbs_step_by_step_and_ends_with_its_evidence(start, ear):
    model = ReplayModel([RENAMED.format(n) for n in range(10)])
    run = start(DOUBLE, model=model, iterations=10)

    end = run.wait(60)

    assert end.reason == "repetition"
    assert "the last 6 proposals were the same and came out the same" in end.message
    assert [(step.before, step.after, step.iteration) for step in steps(ear)] == [
        ("none", "tell", 3), ("tell", "fresh", 4), ("fresh", "bolder", 5), ("bolder", "stop", 6),
    ]  # fmt: skip
    assert all(step.reason.startswith("repetition: the last") for step in steps(ear))
    texts = asked(model)
    assert "do not answer the same again" not in texts[2]
    assert "do not answer the same again" in texts[3]
    assert "return -1" in texts[3]
    assert "return -1" not in texts[4], "a fresh context has nothing of the line that failed"
    assert "in another way" in texts[4]


def test_the_last_step_before_the_end_raises_the_temperature(start, ear):
    run = start(DOUBLE, *[WRONG] * 10, iterations=10)
    run.wait(60)

    temperatures = [call.sampling["temperature"] for call in ear.of("call_started")]
    assert temperatures[5] == pytest.approx(LADDER[4] + BOLDER)


def test_what_a_person_set_stays_set(start, ear):
    start(DOUBLE, *[WRONG] * 10, iterations=10, temperature=0.5).wait(60)

    assert {call.sampling["temperature"] for call in ear.of("call_started")} == {0.5}


def test_oscillation_ends_with_its_own_name(start, ear):
    run = start(DOUBLE, *[WRONG, OTHER] * 6, iterations=12)

    end = run.wait(60)

    assert end.reason == "oscillation"
    assert "the same 2 proposals" in end.message
    assert [step.after for step in steps(ear)] == ["tell", "fresh", "bolder", "stop"]


def test_a_better_round_leads_back_down(start, ear):
    half = "```python\ndef double(n):\n    return 4\n```"
    run = start(DOUBLE, WRONG, WRONG, WRONG, half, half, half, RIGHT, iterations=10)

    assert run.wait(60).reason == "verified"
    assert [(step.before, step.after) for step in steps(ear)] == [("none", "tell"), ("none", "tell")]


def test_a_plateau_is_ended_after_its_patience(start, ear):
    answers = [f"```python\ndef double(n):\n    return -{n}\n```" for n in range(1, 9)]
    run = start(DOUBLE, *answers, iterations=8, patience=4)

    end = run.wait(60)

    assert end.reason == "plateau"
    assert run.usage.iterations == 5


def test_a_noisy_score_that_rises_slowly_is_not_given_up(start):
    values = [10 + n * 0.6 + (0.5 if n % 2 else -0.5) for n in range(24)]
    cell = '"""A big number."""\nx: float\nmaximize(x)\n'
    run = start(cell, *(json.dumps({"x": value}) for value in values), iterations=24, patience=5)

    assert run.wait(60).reason == "iterations"


def test_every_step_is_in_sql(start, ear):
    run = start(DOUBLE, *[WRONG] * 10, iterations=10)
    run.wait(60)

    rows = run.history.sql(
        "SELECT iteration, became, reason FROM decisions WHERE run_id = $run AND what = 'ladder' ORDER BY iteration",
        {"run": run.id},
    )
    assert [became for _, became, _ in rows] == ["tell", "fresh", "bolder", "stop"]
