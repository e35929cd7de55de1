"""Headers of rate limits: a call that was the last one allowed holds the next one back."""

from datetime import UTC, datetime

import pytest

from jupyter_loops.core.message import Message, Prompt, Sampling
from jupyter_loops.planning.models.rate_headers import rate_pause
from tests.endpoint import Manners

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0.0),
        ({"x-ratelimit-remaining-requests": "3", "x-ratelimit-reset-requests": "9s"}, 0.0),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m2.5s"}, 62.5),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "120ms"}, 0.12),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "7"}, 7.0),
        (
            {
                "anthropic-ratelimit-tokens-remaining": "0",
                "anthropic-ratelimit-tokens-reset": "2026-01-01T00:00:30Z",
            },
            30.0,
        ),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "9d"}, 300.0),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "<script>"}, 0.0),
    ],
)
def test_the_pause_is_read_from_headers(headers, seconds):
    assert rate_pause(headers, NOW) == pytest.approx(seconds)


async def test_a_real_answer_carries_the_pause(endpoint):
    left = Manners(headers={"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "2s"})
    model = endpoint.model("rates", left)

    first = await model.complete(Prompt(messages=(Message("user", "hi"),)), Sampling())
    second = await model.complete(Prompt(messages=(Message("user", "hi"),)), Sampling())

    assert (first.pause, second.pause) == (2.0, 0.0)
