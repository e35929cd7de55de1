"""Paid answers of an unfinished round: given out once, for the same question."""

import pytest

from jupyter_loops.core.events import CallFinished, CallStarted
from jupyter_loops.core.message import Message, Prompt
from jupyter_loops.engine.answers import Answers
from jupyter_loops.engine.prompt_retention import PromptRetention


def paid(purpose, text, words, iteration=2):
    asked = CallStarted(
        call=1, iteration=iteration, purpose=purpose, model="m", messages=[{"role": "user", "content": words}],
        parts=[], sampling={}, reserved_usd=0.0, reserved_tokens=1,
    )  # fmt: skip
    return asked, CallFinished(call=1, iteration=iteration, text=text)


def prompt(words):
    return lambda: Prompt(messages=(Message("user", words),))


def test_a_plan_is_taken_whatever_its_prompt_says_now_and_only_once():
    answers = Answers([paid("plan", "the plan", "$1 left")])

    assert answers.take(3, "plan", prompt("")) is None
    assert answers.take(2, "plan", prompt("$0.5 left")).text == "the plan"
    assert answers.take(2, "plan", prompt("$0.5 left")) is None


@pytest.mark.parametrize("how", list(PromptRetention))
def test_a_judge_s_answer_is_for_the_same_words_however_they_were_kept(how):
    words = "is it good? key sk-" + "a" * 20
    answers = Answers([paid("judge", "0.9", how.written(words.replace("sk-" + "a" * 20, "[redacted]")))])

    assert answers.take(2, "plan", prompt(words)) is None
    assert (answers.take(2, "judge", prompt("is it bad?")) is None) == (how is not PromptRetention.OFF)
    if how is not PromptRetention.OFF:
        assert answers.take(2, "judge", prompt(words)).text == "0.9"
