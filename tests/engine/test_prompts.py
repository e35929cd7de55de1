"""What is kept of what a model is asked."""

import hashlib
import json

import pytest

from jupyter_loops.assemble import Options
from jupyter_loops.errors import OptionError

CELL = "def double(n: int) -> int:\n    'Twice n, please.'\n\nassert double(2) == 4\n"
WRONG, RIGHT = (f"```python\ndef double(n):\n    return {code}\n```" for code in ("7", "n + n"))


def messages(run):
    records = [one for one in run.history.records(run.id) if one["kind"] == "call_started"]
    return [said["content"] for one in records for said in one["messages"]]


@pytest.mark.parametrize("how", ["full", "hash", "off"])
def test_prompts_are_kept_as_asked(start, ear, how):
    run = start(CELL, WRONG, RIGHT, store_prompts=how)
    assert run.wait(10).verified

    asked = [message.content for prompt in run.cycle.model.asked for message in prompt.messages]
    kept = {
        "full": asked,
        "hash": [f"sha256:{hashlib.sha256(text.encode()).hexdigest()}" for text in asked],
        "off": [""] * len(asked),
    }
    assert messages(run) == kept[how]
    heard = json.dumps([event.messages for event in ear.of("call_started")])
    assert ("Twice n, please" in heard) == (how == "full")  # nobody else hears of them either
    assert run.history.verify() == []
    texts = [text for (text,) in run.history.sql("SELECT text FROM texts WHERE text LIKE '%expert Python%'").fetchall()]
    assert bool(texts) == (how == "full")


def test_another_word_is_refused():
    with pytest.raises(OptionError, match="--store-prompts got 'none', expected full, hash or off"):
        Options(store_prompts="none")
