from __future__ import annotations

import email.utils

import httpx
import pytest

from jupyter_loops.errors import ErrorClass
from jupyter_loops.planning.models.provider_errors import classify, retry_after, unknown_model


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": email.utils.formatdate(1_000_060, usegmt=True)}, 60.0),
        ({"retry-after": email.utils.formatdate(1, usegmt=True)}, 0.0),
        ({"retry-after": ""}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "Sun, 99 Nov"}, None),
        ({}, None),
    ],
)
def test_the_wait_that_a_provider_asks_for_is_read_in_every_form(headers, seconds):
    assert retry_after(headers, now=1_000_000) == seconds


def test_a_name_like_nothing_known_is_told_what_names_look_like():
    assert "use a LiteLLM name" in str(unknown_model("zzzzqqqq-9"))
    assert "did you mean local" in str(unknown_model("locall"))


def raw(status, message, **headers):
    """The fault of a raw HTTP answer."""
    request = httpx.Request("POST", "http://127.0.0.1/v1/chat/completions")
    answer = httpx.Response(status, json={"error": {"message": message}}, headers=headers, request=request)
    with pytest.raises(httpx.HTTPStatusError) as caught:
        answer.raise_for_status()
    return classify(caught.value, "m")


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens."),
        (400, "Your input exceeds the context window of this model. Please adjust your input and try again."),
        (400, "prompt is too long: 208310 tokens > 200000 maximum"),
        (400, "input length and `max_tokens` exceed context limit: 190000 + 20000 > 204698"),
        (400, "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."),
        (400, "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length"),
        (400, "too many tokens: total number of tokens in the prompt cannot exceed 4081"),
        (400, "Input is too long for requested model."),
        (422, "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4097. Given: 5000"),
        (400, "This model's maximum prompt length is 131072 but the request contains 140000 tokens."),
        (400, "Range of input length should be [1, 6000]"),
        (400, "Please reduce the length of the messages or completion."),
        (500, "the request exceeds the available context size, try increasing it"),
        (413, "Request Entity Too Large"),
    ],
)
def test_a_prompt_that_is_too_long_is_known_by_every_provider_s_words(status, message):
    assert raw(status, message).kind is ErrorClass.CONTEXT_OVERFLOW


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (400, "Unsupported value: temperature", ErrorClass.BAD_REQUEST),
        (400, "max_tokens is too large: 99999", ErrorClass.BAD_REQUEST),
        (401, "Incorrect API key provided", ErrorClass.AUTH),
        (402, "Insufficient Balance", ErrorClass.AUTH),
        (403, "You exceeded your current quota, please check your plan and billing details", ErrorClass.AUTH),
        (429, "Your credit balance is too low to access the API", ErrorClass.AUTH),
        (429, "Rate limit reached for requests", ErrorClass.RATE_LIMITED),
        (429, "Quota exceeded for quota metric 'Generate requests per minute'", ErrorClass.RATE_LIMITED),
        (400, "The response was filtered due to Azure OpenAI's content management policy", ErrorClass.REFUSED),
        (400, "Invalid prompt: your prompt was flagged as potentially violating our usage policy", ErrorClass.REFUSED),
        (403, "blocked by the safety filter", ErrorClass.REFUSED),
        (529, "Overloaded", ErrorClass.TRANSIENT),
        (503, "no healthy upstream", ErrorClass.TRANSIENT),
        (418, "teapot", ErrorClass.BAD_REQUEST),
    ],
)
def test_a_raw_answer_has_the_class_that_its_words_and_status_mean(status, message, kind):
    fault = raw(status, message)

    assert fault.kind is kind
    assert fault.status == status
    assert not fault.taken_up


def test_a_raw_answer_s_retry_after_is_heard():
    assert raw(429, "slow down", **{"retry-after": "7"}).retry_after == 7
