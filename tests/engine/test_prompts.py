"""What is kept of what a model is asked."""

import hashlib
import json

import pytest

from jupyter_loops.assemble import Options
from jupyter_loops.core.message import Completion
from jupyter_loops.errors import OptionError, PreflightError
from jupyter_loops.planning.models.replay import ReplayModel

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


def test_a_prompt_is_shown_as_it_was_sent_with_its_parts(start):
    run = start(CELL, WRONG, RIGHT)
    assert run.wait(10).verified
    first, second = run.prompts

    assert [text for _, text in second.messages] == [message.content for message in run.cycle.model.asked[1].messages]
    assert [part.name for part in second.parts] == ["instructions", "checks", "last", "failures", "targets"]
    assert (first.iteration, second.iteration, second.purpose) == (1, 2, "repair")
    assert "estimated" in str(first)
    rows = run.history.sql(
        "SELECT name, tokens, dropped FROM call_parts WHERE run_id = $run AND call = 2", {"run": run.id}
    )
    assert [tuple(row) for row in rows] == [(part.name, part.tokens, part.dropped) for part in second.parts]
    summed = dict(run.history.sql("SELECT name, total_tokens FROM prompt_parts").fetchall())
    assert summed["targets"] == sum(part.tokens for prompt in run.prompts for part in prompt.parts[-1:])


def test_a_prompt_that_was_not_kept_is_its_hash_or_nothing(start):
    run = start(CELL, RIGHT, store_prompts="hash")
    assert run.wait(10).verified

    assert all(text.startswith("sha256:") for _, text in run.prompts[0].messages)


class Exact(ReplayModel):
    """A model whose tokenizer is at hand."""

    asked_for = ()

    async def tokenized(self, texts):
        self.asked_for += tuple(texts)
        return [len(text) for text in texts]


def test_exact_tokens_go_on_record_where_they_are_free(start):
    model = Exact([RIGHT])
    run = start(CELL, model=model)
    assert run.wait(10).verified
    [prompt] = run.prompts

    assert prompt.counting == "tokenizer"
    assert "by the model's tokenizer" in str(prompt)
    assert [part.tokens for part in prompt.parts] == list(map(len, model.asked_for))
    assert model.asked_for[0] == model.asked[0].messages[0].content


def test_the_share_from_a_provider_s_cache_is_shown(start):
    answer = Completion(text=RIGHT, prompt_tokens=80, completion_tokens=20, cached_tokens=60)
    run = start(CELL, answer)
    assert run.wait(10).verified

    assert "80 tokens in the whole prompt, as the model counted, 60 of them from its cache (75%)" in str(run.prompts[0])


def test_a_cell_s_own_prompt_is_what_is_sent(start):
    cell = "@prompt\ndef ask(parts):\n    return style + parts['targets'] + parts.get('failures', '')\n" + CELL
    run = start(cell, WRONG, RIGHT, names={"style": "Be brief. "})
    assert run.wait(10).verified
    first, second = run.cycle.model.asked

    assert [message.content for message in first.messages] == [
        "Be brief. Write a Python function `double(n: int) -> int`. Twice n, please."
    ]
    assert "double(2) gave 7" in second.messages[0].content


def test_a_prompt_that_raises_stops_the_run_before_anything_is_asked(start):
    run = start("@prompt\ndef ask(parts):\n    return parts['gaol']\n" + CELL, RIGHT)

    with pytest.raises(PreflightError, match=r"KeyError\('gaol'\) \(line 4: return parts\['gaol'\]\)"):
        run.wait(10)
    assert run.cycle.model.asked == []


def test_a_prompt_that_raises_later_ends_the_run_with_its_line(start):
    cell = "@prompt\ndef ask(parts):\n    return parts['targets'] if 'last' not in parts else 1 / 0\n" + CELL
    end = start(cell, WRONG, RIGHT).wait(10)

    assert end.reason == "error"
    assert "ZeroDivisionError" in end.message
    assert "(line 4: " in end.message


def test_a_goal_larger_than_the_window_is_refused_before_anything_is_asked(start):
    model = ReplayModel([RIGHT], window=3000)
    run = start(f'"""{"many words " * 3000}"""\n{CELL}', model=model)

    with pytest.raises(
        PreflightError, match=r"the goal takes about 6,0\d\d tokens, and a prompt has 1,500 of the model's w"
    ):
        run.wait(10)
    assert model.asked == []


def test_a_rolling_context_shows_the_rounds_as_they_were(start):
    run = start(CELL, WRONG, WRONG.replace("7", "8"), RIGHT, context="rolling")
    assert run.wait(10).verified
    last = run.cycle.model.asked[2]

    assert [message.role for message in last.messages] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert "return 7" in last.messages[2].content
    assert "double(2) gave 8" in last.messages[5].content
    assert run.prompts[2].parts[-1].name == "transcript"
