"""LiteLLMModel against a real HTTP endpoint."""

from __future__ import annotations

import asyncio
import email.utils
import time

import pytest

from jupyter_loops.core.budget import Price
from jupyter_loops.core.message import Message, Prompt, Sampling
from jupyter_loops.errors import ErrorClass, ModelError
from jupyter_loops.planning.models.provider import LiteLLMModel
from tests.endpoint import Manners

SAMPLING = Sampling(temperature=0.2, max_tokens=50, seed=3, timeout=20)


async def failure(model, question, sampling=SAMPLING, on_text=None) -> ModelError:
    with pytest.raises(ModelError) as caught:
        await model.complete(question, sampling, on_text)
    assert "\n" not in str(caught.value)
    return caught.value


async def test_an_answer_carries_text_usage_and_who_answered(endpoint, question):
    endpoint.manners.usage = {
        "prompt_tokens": 9,
        "completion_tokens": 5,
        "total_tokens": 14,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }
    answer = await endpoint.model().complete(question, SAMPLING)

    assert answer.text == "Hello there."
    assert (answer.prompt_tokens, answer.completion_tokens) == (9, 5)
    assert (answer.cached_tokens, answer.reasoning_tokens) == (4, 2)
    assert answer.finish_reason == "stop"
    assert answer.model == "echo-1"
    assert not answer.estimated
    assert answer.first_token_seconds is None


async def test_the_request_says_what_the_sampling_says_and_no_more(endpoint, question):
    await endpoint.model().complete(question, Sampling(max_tokens=11))
    await endpoint.model().complete(question, SAMPLING)

    plain, full = endpoint.manners.requests
    assert plain["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Say hello."}]
    assert plain["max_tokens"] == 11
    assert "temperature" not in plain
    assert "seed" not in plain
    assert (full["temperature"], full["seed"]) == (0.2, 3)
    assert endpoint.manners.authorization[0].endswith("sk-test-0123456789abcdef")


async def test_a_schema_travels_as_a_json_schema_response_format(endpoint, question):
    schema = {"type": "object", "properties": {"mug": {"type": "string"}}, "required": ["mug"]}
    await endpoint.model().complete(Prompt(messages=question.messages, schema=schema), SAMPLING)

    assert endpoint.manners.requests[0]["response_format"]["json_schema"]["schema"] == schema


async def test_streaming_gives_each_piece_as_it_arrives(endpoint, question):
    pieces = []
    answer = await endpoint.model().complete(question, SAMPLING, pieces.append)

    assert pieces == ["Hello", " there", "."]
    assert answer.text == "Hello there."
    assert (answer.prompt_tokens, answer.completion_tokens, answer.estimated) == (7, 3, False)
    assert 0 < answer.first_token_seconds <= answer.seconds
    assert endpoint.manners.requests[0]["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("streaming", [False, True])
async def test_usage_that_the_provider_leaves_out_is_counted_here(endpoint, question, streaming):
    endpoint.manners.usage = None
    answer = await endpoint.model().complete(question, SAMPLING, (lambda _: None) if streaming else None)

    assert answer.estimated
    assert answer.prompt_tokens >= 6
    assert answer.completion_tokens >= 3


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("reason", ["length", "content_filter"])
async def test_the_finish_reason_is_the_provider_s(endpoint, question, reason, streaming):
    endpoint.manners.finish_reason = reason
    answer = await endpoint.model().complete(question, SAMPLING, (lambda _: None) if streaming else None)

    assert answer.finish_reason == reason


@pytest.mark.parametrize("streaming", [False, True])
async def test_thoughts_without_an_answer_are_kept_as_thoughts(endpoint, question, streaming):
    endpoint.manners.thoughts, endpoint.manners.words = "Let me think", ()
    answer = await endpoint.model().complete(question, SAMPLING, (lambda _: None) if streaming else None)
    assert answer.text == "<think>Let me think</think>"

    endpoint.manners.words = ("Hello",)
    answer = await endpoint.model().complete(question, SAMPLING, (lambda _: None) if streaming else None)
    assert answer.text == "Hello"


async def test_cancelling_closes_the_stream_at_once(endpoint, question):
    endpoint.manners.stall = True
    started = asyncio.Event()
    call = asyncio.create_task(endpoint.model().complete(question, SAMPLING, lambda _: started.set()))
    await asyncio.wait_for(started.wait(), 20)
    began = time.perf_counter()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    assert time.perf_counter() - began < 5
    assert await asyncio.to_thread(endpoint.manners.hung_up.wait, 5)


@pytest.mark.parametrize("on_text", [None, lambda _: None])
async def test_a_stalled_answer_ends_with_the_timeout(endpoint, question, on_text):
    model = endpoint.model()
    await model.open()
    endpoint.manners.stall = True
    began = time.perf_counter()
    error = await failure(model, question, Sampling(timeout=0.5), on_text)

    assert time.perf_counter() - began < 10
    assert error.kind is ErrorClass.TRANSIENT
    assert "0.5 s" in str(error)


async def test_a_stream_that_breaks_is_a_passing_fault_and_not_an_answer(endpoint, question):
    endpoint.manners.break_off = True
    error = await failure(endpoint.model(), question, on_text=lambda _: None)

    assert error.kind is ErrorClass.TRANSIENT


async def test_a_stream_that_never_says_it_is_over_is_not_taken_for_whole(endpoint, question):
    endpoint.manners.finish_reason, endpoint.manners.usage, endpoint.manners.done = None, None, False
    error = await failure(endpoint.model(), question, on_text=lambda _: None)

    assert error.kind is ErrorClass.TRANSIENT


@pytest.mark.parametrize(
    "fault",
    [
        (400, '{"error": {"message": "temperature must be a number"}}', ErrorClass.BAD_REQUEST),
        (
            400,
            '{"error": {"message": "request (9 tokens) exceeds the available context size"}}',
            ErrorClass.CONTEXT_OVERFLOW,
        ),
        (401, '{"error": {"message": "Invalid API Key"}}', ErrorClass.AUTH),
        (402, '{"error": {"message": "pay first"}}', ErrorClass.AUTH),
        (403, '{"error": {"message": "not yours"}}', ErrorClass.AUTH),
        (404, '{"error": {"message": "model not found"}}', ErrorClass.BAD_REQUEST),
        (408, '{"error": {"message": "slow"}}', ErrorClass.TRANSIENT),
        (413, '{"error": {"message": "too large"}}', ErrorClass.CONTEXT_OVERFLOW),
        (422, '{"error": {"message": "bad field"}}', ErrorClass.BAD_REQUEST),
        (429, '{"error": {"message": "slow down"}}', ErrorClass.RATE_LIMITED),
        (429, '{"error": {"message": "x", "code": "insufficient_quota"}}', ErrorClass.AUTH),
        (500, "oops", ErrorClass.TRANSIENT),
        (502, "<html>bad gateway</html>", ErrorClass.TRANSIENT),
        (503, '{"error": {"message": "overloaded"}}', ErrorClass.TRANSIENT),
        (529, '{"error": {"message": "overloaded"}}', ErrorClass.TRANSIENT),
        (200, "{ not json", ErrorClass.MALFORMED),
        (200, '{"unexpected": true}', ErrorClass.MALFORMED),
    ],
)
@pytest.mark.parametrize("streaming", [False, True])
async def test_each_fault_has_its_class_and_is_met_once(endpoint, question, fault, streaming):
    status, body, kind = fault
    if streaming and status == 200:
        pytest.skip("a stream has events, not a body")
    endpoint.manners.status, endpoint.manners.body = status, body
    error = await failure(endpoint.model(title="echo"), question, on_text=(lambda _: None) if streaming else None)

    assert (error.kind, len(endpoint.manners.requests)) == (kind, 1), str(error)
    assert "echo" in str(error)
    assert "litellm" not in str(error).lower()
    if status != 200:
        assert error.status == status


@pytest.mark.parametrize("provider", ["hosted_vllm", "openai", "deepseek", "groq"])
@pytest.mark.parametrize(
    "act", [Manners(status=500), Manners(status=429), Manners(reset=True), Manners(break_off=True)]
)
async def test_neither_litellm_nor_an_sdk_asks_again_by_itself(endpoint, question, provider, act):
    endpoint.scripts["once"].append(act)
    model = LiteLLMModel(f"{provider}/echo", api_base=f"{endpoint.base}/once", api_key="k")
    error = await failure(model, question)

    assert endpoint.asked["once"] == 1
    assert error.kind in {ErrorClass.TRANSIENT, ErrorClass.RATE_LIMITED}
    assert error.taken_up == (act.reset or act.break_off)


async def test_retry_after_is_understood_in_seconds_and_as_a_date(endpoint, question):
    endpoint.manners.status = 429
    endpoint.manners.headers = {"retry-after": "12"}
    assert (await failure(endpoint.model(), question)).retry_after == 12
    endpoint.manners.headers = {"retry-after": email.utils.formatdate(time.time() + 30, usegmt=True)}
    assert 25 < (await failure(endpoint.model(), question)).retry_after <= 30
    endpoint.manners.headers = {"retry-after": "soon"}
    assert (await failure(endpoint.model(), question)).retry_after is None


async def test_a_key_that_the_provider_repeats_is_not_shown(endpoint, question):
    endpoint.manners.status = 401
    endpoint.manners.body = '{"error": {"message": "Incorrect API key provided: sk-test-0123456789abcdef."}}'
    error = await failure(endpoint.model(), question)

    assert "0123456789" not in str(error)
    assert "[redacted]" in str(error)


async def test_an_endpoint_that_is_not_there_is_named(question):
    model = LiteLLMModel("hosted_vllm/echo", api_base="http://127.0.0.1:9/v1", api_key="k")
    error = await failure(model, question)

    assert error.kind is ErrorClass.TRANSIENT
    assert "cannot reach http://127.0.0.1:9/v1" in str(error)


async def test_an_unknown_model_is_told_with_the_nearest_names():
    with pytest.raises(ModelError, match=r"no model is called gpt-5-mimi: did you mean .*gpt-5-mini"):
        await LiteLLMModel("gpt-5-mimi").open()


async def test_an_unknown_name_with_an_endpoint_is_that_endpoint_s_model(endpoint, question):
    model = LiteLLMModel("my-model", api_base=endpoint.base, api_key="k")
    await model.complete(question, SAMPLING)

    assert endpoint.manners.requests[0]["model"] == "my-model"


async def test_a_missing_key_names_the_variable_before_anything_is_sent(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ModelError, match="no key for gpt-5-mini: set OPENAI_API_KEY") as caught:
        await LiteLLMModel("gpt-5-mini").open()

    assert caught.value.kind is ErrorClass.AUTH


async def test_prices_and_windows_come_from_the_map_or_are_unknown(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    known = LiteLLMModel("gpt-5-mini")
    await known.open()
    unknown = LiteLLMModel("hosted_vllm/gpt-5-mini", api_base="http://127.0.0.1:9/v1")
    await unknown.open()

    assert known.price() == Price(prompt=2.5e-07, completion=2e-06, cached=2.5e-08)
    assert known.window() > 100_000
    assert unknown.price() is None
    assert unknown.window() is None
    assert LiteLLMModel("x", price=Price(prompt=1, completion=2, source="option")).price().completion == 2


async def test_counting_needs_no_network_and_grows_with_the_text(endpoint):
    model = endpoint.model()
    await model.open()
    short, long = (model.count([Message("user", "def f(x): return x\n" * times)]) for times in (1, 50))

    assert 6 <= short < long
    assert long >= 50 * 6


async def test_openai_s_tokenizer_counts_openai_s_models_and_no_others():
    known, other = (
        LiteLLMModel("gpt-4o-mini", api_key="k"),
        LiteLLMModel("anthropic/claude-3-haiku-20240307", api_key="k"),
    )
    await known.open()
    await other.open()

    assert await known.tokenized(["hello world", ""]) == [2, 0]
    assert await other.tokenized(["hello world"]) is None
