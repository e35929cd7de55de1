"""A run that takes no step is ended; one that waits for a person, or is busy with a candidate, is not."""

from __future__ import annotations

import time

from jupyter_loops.planning.models.replay import ReplayModel

CELL = '''
def double(n: int) -> int:
    """Twice n."""

assert double(2) == 4
'''
RIGHT = "```python\ndef double(n):\n    return n + n\n```"
SLOW = "```python\nimport time\ndef double(n):\n    time.sleep(1.5)\n    return n + n\n```"


def test_a_model_that_never_answers_ends_the_run(start, ear):
    run = start(CELL, RIGHT, delay=60, watchdog=0.5)

    end = run.wait(20)

    assert end.reason == "error"
    assert end.message.startswith("watchdog: no step for")
    assert "in plan" in end.message
    assert ear.events[-1].kind == "run_ended"


def test_a_candidate_within_its_own_limit_is_left_alone(start):
    assert start(CELL, SLOW, watchdog=0.5, timeout=20).wait(30).reason == "verified"


def test_a_paused_run_may_wait(start):
    run = start(CELL, model=ReplayModel([RIGHT], delay=0.2), watchdog=0.6)
    run.pause()
    time.sleep(1.5)
    run.resume()

    assert run.wait(20).reason == "verified"


def test_none_never_bites(start):
    assert start(CELL, RIGHT, delay=1.0, watchdog=None).wait(20).reason == "verified"
