"""What a person changes while a run goes on: taken up at the next safe point, and on the record."""

import pytest

from jupyter_loops.errors import LoopError, PreflightError
from jupyter_loops.planning.models.replay import ReplayModel

DOUBLE = 'def double(n: int) -> int:\n    """Twice n."""\n\nassert double(2) == 4\nassert double(5) == 10\n'
RIGHT = "```python\ndef double(n):\n    return n + n\n```"
WRONG = "```python\ndef double(n):\n    return -1\n```"


class Noting(ReplayModel):
    """Keeps how it was asked."""

    def __init__(self, answers, **options):
        super().__init__(answers, **options)
        self.samplings = []

    async def complete(self, prompt, sampling, on_text=None):
        self.samplings.append(sampling)
        return await super().complete(prompt, sampling, on_text)


def held(start, *answers, **options):
    """A run that waits before its first round."""
    model = Noting(answers)
    run = start(DOUBLE, model=model, **options)
    run.pause()
    return run, model


def test_temperature_and_answer_length_hold_from_the_next_round_until_taken_back(start, ear):
    run, model = held(start, WRONG, WRONG, WRONG, iterations=3)
    run.set(temperature=1.5, max_tokens=77)
    run.step()
    wait_for(lambda: run.usage.iterations == 1 and run.state == "wait")
    run.set(temperature=None)
    run.resume()
    run.wait(30)

    asked = [(sampling.temperature, sampling.max_tokens) for sampling in model.samplings]
    assert asked[0] == (1.5, 77)
    assert asked[1][0] < 1.5
    assert asked[1][1] == 77
    steered = [(event.action, event.value) for event in ear.of("run_steered") if event.action == "set"]
    assert steered == [("set", {"temperature": 1.5, "max_tokens": 77}), ("set", {"temperature": None})]
    notes = run.history.sql("SELECT action, message FROM notes WHERE action = 'set' ORDER BY seq").fetchall()
    assert len(notes) == 2


def test_limits_go_up_and_down(start):
    run, _ = held(start, *[WRONG] * 9, iterations=9)
    run.set(iterations=2, tokens=100_000)
    run.resume()

    end = run.wait(30)

    assert end.reason == "iterations"
    assert run.usage.iterations == 2
    assert run.budget.tokens == 100_000


def test_another_model_answers_from_the_next_round_at_its_own_price(start, ear, tmp_path):
    script = tmp_path / "other.json"
    script.write_text('["```python\\ndef double(n):\\n    return n * 2\\n```"]')
    run, _ = held(start, WRONG)
    run.set(model=f"script:{script}")
    run.resume()

    assert run.wait(30).reason == "verified"
    assert [(one.what, one.before, one.after) for one in ear.of("request_adapted")] == [
        ("model", "replay", "script:other.json")
    ]
    assert [call.model for call in ear.of("call_started")] == ["script:other.json"]
    assert run.cycle.model.name == "script:other.json"


def test_a_model_that_cannot_be_leaves_the_run_as_it_was(start, ear, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    run, _ = held(start, RIGHT)
    with pytest.raises(PreflightError, match="cannot read the script nowhere"):
        run.set(model="script:/nowhere.json")
    run.set(model="openai/gpt-4o-mini")  # no key: only its opening tells
    run.resume()

    assert run.wait(60).reason == "verified"
    [note] = ear.of("note_added")
    assert note.message.startswith("still on replay: no key for openai/gpt-4o-mini")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "say what to set"),
        ({"temperature": 9}, "between 0 and 2"),
        ({"max_tokens": 0}, "above 0"),
        ({"rounds": 3}, "no limit is called 'rounds'"),
        ({"usd": -1}, "more than 0"),
    ],
)
def test_what_cannot_be_set_is_refused_at_once(start, changes, said):
    run, _ = held(start, RIGHT)
    with pytest.raises(LoopError, match=said):
        run.set(**changes)
    run.resume()
    run.wait(30)
    with pytest.raises(LoopError, match="has ended already"):
        run.set(temperature=1)


def wait_for(there, seconds=20):
    import time

    end = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < end
        time.sleep(0.01)
