"""What an answer is charged for, whatever its provider says that it used."""

from math import inf, nan

import pytest

from jupyter_loops.planning.models.token_usage import TokenUsage, read

ROOM = 2048


def usage(prompt=60, completion=900, **more):
    return {"prompt_tokens": prompt, "completion_tokens": completion} | more


def thoughts(count):
    return {"completion_tokens_details": {"reasoning_tokens": count}}


@pytest.mark.parametrize(
    ("said", "bill"),
    [
        ([usage()], TokenUsage(60, 900)),
        ([usage("60", "900")], TokenUsage(60, 900)),
        ([usage(completion=2000, **thoughts(1500))], TokenUsage(60, 2000, reasoning=1500)),
        ([usage(prompt_tokens_details={"cached_tokens": 50})], TokenUsage(60, 900, cached=50)),
        ([usage(completion=4), usage(completion=400), usage()], TokenUsage(60, 900)),  # in every piece, growing
        ([usage(total_tokens=1960, **thoughts(1000))], TokenUsage(60, 1900, reasoning=1000)),  # beside, and in the sum
        ([usage(total_tokens=60_960, **thoughts(60_000))], TokenUsage(60, 60_900, reasoning=60_000)),
        ([usage(total_tokens=1960)], TokenUsage(60, 1900)),
        ([usage(**thoughts(1000))], TokenUsage(60, 1900, reasoning=1000, estimated=True)),
        ([usage(total_tokens=10**15)], TokenUsage(60, 900)),
        ([usage(**thoughts(10**9))], TokenUsage(60, 900, reasoning=900, estimated=True)),
        ([usage(prompt_tokens_details={"cached_tokens": 10**9})], TokenUsage(60, 900, estimated=True)),
        ([], TokenUsage(None, 800, estimated=True)),
        ([None, "much", {"completion_tokens_details": 3}], TokenUsage(None, 800, estimated=True)),
        *(
            ([usage(completion=wrong)], TokenUsage(60, 800, estimated=True))
            for wrong in (0, 1, None, -5, nan, inf, "many", [3])
        ),
        ([usage(prompt=0)], TokenUsage(None, 900, estimated=True)),
        ([usage(60.0, 900.4)], TokenUsage(60, 901)),
        ([{"total_tokens": 960}], TokenUsage(None, 800, estimated=True)),
        ([usage(), usage()], TokenUsage(60, 900)),  # twice
        (
            [usage(reasoning_tokens=1000)],
            TokenUsage(60, 1900, reasoning=1000, estimated=True),
        ),  # beside, without details
        ([usage(**thoughts(-500))], TokenUsage(60, 900)),
        ([usage(completion_tokens_details=[1])], TokenUsage(60, 900)),
        ([usage(total_tokens=100)], TokenUsage(60, 900)),
        ([usage(900, 60)], TokenUsage(900, 800, estimated=True)),  # exchanged
        ([usage(prompt_tokens_details={"cached_tokens": 61})], TokenUsage(60, 900, estimated=True)),
        ([usage(True, True)], TokenUsage(None, 800, estimated=True)),
        ([usage("6e1", "1,900")], TokenUsage(None, 800, estimated=True)),
        ([{"input_tokens": 60, "output_tokens": 900}], TokenUsage(60, 900)),
        ([{"input_tokens": 10, "cache_read_input_tokens": 50, "output_tokens": 900}], TokenUsage(60, 900)),
        (
            [{"input_tokens": 60, "output_tokens": 2000, "output_tokens_details": {"reasoning_tokens": 1500}}],
            TokenUsage(60, 2000, reasoning=1500),
        ),
        ([{"promptTokenCount": 60, "candidatesTokenCount": 900}], TokenUsage(None, 800, estimated=True)),
        *(([usage(prompt=wrong)], TokenUsage(None, 900, estimated=True)) for wrong in (None, -5, nan, "many", {})),
        ([usage(completion=0)], TokenUsage(60, 800, estimated=True)),  # in the first piece only
    ],
)
def test_the_dearer_reading_that_can_be_right_counts(said, bill):
    assert read(said, 800, ROOM) == bill


def test_an_empty_answer_may_cost_nothing():
    assert read([usage(completion=0)], 0, ROOM) == TokenUsage(60, 0)
