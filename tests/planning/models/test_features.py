"""What an endpoint refuses is left out: learned over real HTTP, once for the process."""

import json

import pytest

from jupyter_loops.core.message import Message, Prompt, Sampling
from jupyter_loops.errors import ErrorClass, FeatureError, ModelError
from jupyter_loops.planning.models import features

ASK = Prompt(
    messages=(Message("system", "Be brief."), Message("user", "Say hello.")),
    schema={"type": "object", "properties": {"n": {"type": "integer"}}},
)
SAMPLING = Sampling(temperature=0.5, seed=7)


@pytest.fixture(autouse=True)
def forget(monkeypatch):
    monkeypatch.setattr(features, "_refused", {})
    monkeypatch.setattr(features, "_caps", {})


def refuse(endpoint, text):
    endpoint.manners.status = 400
    endpoint.manners.body = json.dumps({"error": {"message": text}})


@pytest.mark.parametrize(
    ("text", "feature", "key"),
    [
        ("response_format json_schema is not supported by this model", features.SCHEMA, "response_format"),
        ("Unsupported value: 'temperature' does not support 0.5 with this model.", features.TEMPERATURE, "temperature"),
        ("Unrecognized request argument supplied: seed", features.SEED, "seed"),
        ("{'loc': ('body', 'seed'), 'msg': 'Extra inputs are not permitted'}", features.SEED, "seed"),
        ("stream_options is not supported", features.USAGE, "stream_options"),
        ("This model does not support streaming", features.STREAM, "stream"),
    ],
)  # fmt: skip
async def test_a_refused_part_is_left_out_of_the_next_request(endpoint, text, feature, key):
    refuse(endpoint, text)
    with pytest.raises(FeatureError) as refused:
        await endpoint.model(title="echo").complete(ASK, SAMPLING, lambda _: None)
    assert refused.value.feature == feature
    assert key in endpoint.manners.requests[-1]

    endpoint.manners.status, endpoint.manners.body = 200, None
    heard = []
    answer = await endpoint.model(title="echo").complete(ASK, SAMPLING, heard.append)  # another model object

    assert answer.text == "".join(heard) == "Hello there."
    assert key not in endpoint.manners.requests[-1]
    others = {"response_format", "temperature", "seed"} - {key}
    assert others <= endpoint.manners.requests[-1].keys()


@pytest.mark.parametrize(
    "text",
    [
        "System role not supported",
        "Developer instruction is not enabled for models/gemma-3",
        "Conversation roles must alternate user/assistant/user/assistant/...",
    ],
)
async def test_a_model_without_a_system_role_hears_it_from_the_user(endpoint, text):
    refuse(endpoint, text)
    with pytest.raises(FeatureError):
        await endpoint.model().complete(ASK, SAMPLING)
    endpoint.manners.status, endpoint.manners.body = 200, None
    await endpoint.model().complete(ASK, SAMPLING)

    assert endpoint.manners.requests[-1]["messages"] == [{"role": "user", "content": "Be brief.\n\nSay hello."}]


@pytest.mark.parametrize("text", ["you must not", "the seed of doubt", "invalid request", "max_tokens is not valid"])
async def test_other_refusals_are_not_taken_for_it(endpoint, text):
    refuse(endpoint, text)
    with pytest.raises(ModelError) as fault:
        await endpoint.model().complete(ASK, SAMPLING)
    assert not isinstance(fault.value, FeatureError)
    assert fault.value.kind is ErrorClass.BAD_REQUEST


async def test_streams_that_break_off_in_a_row_are_given_up(endpoint):
    endpoint.manners.break_off = True
    model = endpoint.model()
    with pytest.raises(ModelError) as first:
        await model.complete(ASK, SAMPLING, lambda _: None)
    assert first.value.kind is ErrorClass.TRANSIENT
    with pytest.raises(FeatureError, match="2 answers in a row broke off"):
        await model.complete(ASK, SAMPLING, lambda _: None)
    endpoint.manners.break_off = False  # it would break off an answer in one piece, too
    heard = []
    assert (await model.complete(ASK, SAMPLING, heard.append)).text == "Hello there."
    assert heard == ["Hello there."]


async def test_an_endpoint_that_calls_it_max_completion_tokens_is_asked_so(endpoint):
    refuse(
        endpoint,
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
    )
    with pytest.raises(FeatureError):
        await endpoint.model().complete(ASK, SAMPLING, lambda _: None)
    endpoint.manners.status, endpoint.manners.body = 200, None
    for on_text in (None, lambda _: None):
        answer = await endpoint.model().complete(ASK, SAMPLING, on_text)
        request = endpoint.manners.requests[-1]

        assert answer.text == "Hello there."
        assert request["max_completion_tokens"] == SAMPLING.max_tokens
        assert "max_tokens" not in request


@pytest.mark.parametrize(
    ("text", "most"),
    [
        (
            "max_tokens is too large: 4096. This model supports at most 2048 completion tokens, whereas you gave 4096.",
            2048,
        ),
        ("`max_tokens` must be less than or equal to `512`, the maximum value for this model", 512),
        ("max_tokens: 4096 > 1,024, which is the maximum allowed number of output tokens for claude", 1024),
        ("Invalid max_tokens value, the valid range of max_tokens is [1, 300]", 300),
    ],
)
async def test_a_lower_cap_of_an_answer_is_learned(text, most, endpoint):
    refuse(endpoint, text)
    with pytest.raises(FeatureError, match=f"an answer of more than {most} tokens"):
        await endpoint.model().complete(ASK, Sampling(max_tokens=4096))
    endpoint.manners.status, endpoint.manners.body = 200, None
    for asked in (4096, 100):
        await endpoint.model().complete(ASK, Sampling(max_tokens=asked))
        assert endpoint.manners.requests[-1]["max_tokens"] == min(most, asked)


async def test_a_refusal_without_a_number_teaches_no_cap(endpoint):
    refuse(endpoint, "max_tokens is too large")
    with pytest.raises(ModelError) as fault:
        await endpoint.model().complete(ASK, Sampling(max_tokens=4096))

    assert not isinstance(fault.value, FeatureError)
    assert features.cap("hosted_vllm/echo", endpoint.base) is None
