"""Near a limit the run waits for a person, who sees what it has used and what comes next."""

import time

import pytest

from jupyter_loops.assemble import Person
from jupyter_loops.errors import OptionError, PreflightError

CELL = '''
def double(n: int) -> int:
    """Twice n."""

assert double(2) == 4
'''
WRONG = [f"```python\ndef double(n):\n    return -{number}\n```" for number in range(9)]


def asks(ear, times):
    """Until the run has asked so often."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        moves = [event for event in ear.events if getattr(event, "to", "") == "wait" and event.note == "near a limit"]
        if len(moves) == times:
            return True
        time.sleep(0.02)
    return False


def test_it_asks_once_for_each_limit_as_it_stands(start, ear):
    run = start(CELL, *WRONG, iterations=3, ask_at=0.6, person=Person(there=True))
    assert asks(ear, 1)
    assert run.usage.iterations == 2
    [note] = [event.message for event in ear.events if getattr(event, "message", "").startswith("near a limit")]
    assert "2 rounds of 3 rounds used" in note
    assert "Finish ends it" in note
    run.raise_budget(iterations=4)
    run.resume()
    assert asks(ear, 2), "3 of 4 rounds are beyond 60 % of a limit that is another one"
    run.finish()
    end = run.wait(20)

    assert end.reason == "stopped"
    assert "finished by hand" in end.message
    assert run.usage.iterations == 4, "the round that goes on is finished"


def test_where_nobody_can_answer_it_is_refused_before_anything_is_spent(start):
    with pytest.raises(PreflightError, match="--ask-at waits for a person"):
        start(CELL, *WRONG, ask_at=0.8)
    with pytest.raises(OptionError, match="--ask-at must be more than 0 and less than 1"):
        start(CELL, *WRONG, ask_at=1.0, person=Person(there=True))
