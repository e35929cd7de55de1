"""Secrets reach neither the model nor the record, whichever way they come."""

from jupyter_loops.core.redaction import MARK
from jupyter_loops.planning.models.replay import ReplayModel

KEY = "sk-proj-" + "a1B2c3D4" * 4
FRAME = '''\
import pandas as pd
"""Count the rows of `prices`."""
API = "{key}"
def rows(n: int) -> int:
    """Twice n. Not {key}."""

assert rows(2) == 4, "{key}"
'''
WRONG = "```python\ndef rows(n):\n    print({pad!r} * 90 + 'sk-proj-' + 'a1B2c3D4' * 4)\n    return n\n```"
RIGHT = "```python\ndef rows(n):\n    return 2 * n\n```"


def asked(model):
    return "\n".join(message.content for prompt in model.asked for message in prompt.messages)


def test_what_is_sent_holds_no_secret_and_agrees_with_the_record(start, ear):
    model = ReplayModel([WRONG.format(pad="."), RIGHT])
    prices = __import__("pandas").DataFrame({KEY: [1], "n": [2]})
    run = start(FRAME.format(key=KEY), model=model, names={"prices": prices})

    assert run.wait(30).reason == "verified"
    assert KEY not in asked(model)
    assert "c3D4a1" not in asked(model)
    assert asked(model).count(MARK) >= 4  # the set-up, the docstring, the message, what was printed
    assert [m["content"] for call in ear.of("call_started") for m in call.messages] == [
        message.content for prompt in model.asked for message in prompt.messages
    ]
    assert "c3D4a1" not in str(ear.events) + str(run.history.records(run.id))
    assert [note.message for note in ear.of("noted") if "secret" in note.message] == [
        "what looks like a secret is kept out of the prompt: the model reads [redacted]"
    ]


def test_a_key_at_the_cut_of_a_long_output_leaves_no_piece(start, ear):
    answer = "```python\ndef rows(n):\n    print('x ' * {lead} + '{key}' + ' y' * 80_000)\n    return 2 * n\n```"
    for lead in (16_370, 16_380):  # the first half of the output ends within the key
        ear.events.clear()
        start(FRAME.format(key=KEY), answer.format(lead=lead, key=KEY), fresh=True).wait(30)
        printed = "".join(event.observation.stdout for event in ear.of("acted"))

        assert "bytes left out" in printed
        assert "a1B2" not in printed
