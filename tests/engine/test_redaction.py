"""Secrets reach neither the model nor the record, whichever way they come."""

import pytest

from jupyter_loops.core.redaction import MARK
from jupyter_loops.errors import OptionError, PreflightError
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
    assert [note.message for note in ear.of("note_added") if "secret" in note.message] == [
        "what looks like a secret is kept out of the prompt: the model reads [redacted]"
    ]


def test_a_key_at_the_cut_of_a_long_output_leaves_no_piece(start, ear):
    answer = "```python\ndef rows(n):\n    print('x ' * {lead} + '{key}' + ' y' * 80_000)\n    return 2 * n\n```"
    for lead in (16_370, 16_380):  # the first half of the output ends within the key
        ear.events.clear()
        start(FRAME.format(key=KEY), answer.format(lead=lead, key=KEY), fresh=True).wait(30)
        printed = "".join(event.observation.stdout for event in ear.of("candidate_executed"))

        assert "bytes left out" in printed
        assert "a1B2" not in printed


READS = """\
import json
conf = json.dumps(config)
def size(n: int) -> int:
    \'\'\'The length of conf, with `OPENAI_KEY` at hand.\'\'\'

assert size(1) == 23
"""
SIZE = "```python\ndef size(n):\n    return len(conf)\n```"
NAMES = {"config": {"password": "hunter2"}, "OPENAI_KEY": "0123456789"}


def test_a_secret_that_the_cell_reads_stays_unless_it_is_given(start):
    with pytest.raises(PreflightError, match=r"--give config hands it over") as told:
        start(READS, SIZE, names=NAMES)
    model = ReplayModel([SIZE])
    run = start(READS, model=model, names=NAMES, give=("config",))

    assert run.wait(30).reason == "verified"
    assert "hunter2" not in str(told.value) + asked(model)
    assert "config" in asked(model)


def test_what_the_goal_mentions_is_kept_back_and_told(start, ear):
    model = ReplayModel([SIZE])
    start(READS, model=model, names=NAMES, give=("config",)).wait(30)
    told = [note.message for note in ear.of("note_added")]

    assert "- OPENAI_KEY" not in asked(model)
    why = "its name says that it is a secret, and secrets stay in the notebook; --give OPENAI_KEY hands it over"
    assert told == [f"OPENAI_KEY: {why}"]


def test_a_name_that_is_not_there_cannot_be_given(start):
    with pytest.raises(OptionError, match="--give got nothing, and the notebook has no such name"):
        start(READS, SIZE, names=NAMES, give=("nothing",))
