"""The answer of a judge is read in one go, whatever is in it."""

import time

import pytest

from jupyter_loops.errors import ReplyError
from jupyter_loops.verification.judge import RubricJudge

GRADE = '{"reason": "it is", "score": 1}'


@pytest.mark.parametrize("thoughts", ["<think>a</think>", "a</think>", "<think>{</think>", "<think>a</think>b<think>"])
def test_thoughts_are_left_out(thoughts):
    assert RubricJudge().read(f"{thoughts}{GRADE}").value == 1


@pytest.mark.parametrize("piece", ["<think>", '{"a":', "{", "[{"])
def test_an_answer_that_is_made_to_be_slow_to_read_is_not(piece):
    began = time.perf_counter()
    with pytest.raises(ReplyError, match="holds no JSON object with a score"):
        RubricJudge().read(piece * 100_000)

    assert time.perf_counter() - began < 20
