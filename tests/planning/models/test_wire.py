"""No provider freezes or fills the kernel, whatever it sends."""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
import time
import zlib
from dataclasses import replace

import pytest

from jupyter_loops.core.message import Message, Prompt, Sampling
from jupyter_loops.errors import ErrorClass, ModelError
from jupyter_loops.planning.models.openai_server import OpenAIServerModel
from jupyter_loops.planning.models.provider import LiteLLMModel
from tests.endpoint import Manners

HELD = 0.15  # seconds of the engine's thread; 0.05 on a quiet machine, which a test cannot count on
ASK = Prompt(messages=(Message("user", "What is a lamp?"),))
ANSWER = {"index": 0, "message": {"role": "assistant", "content": "A lamp."}, "finish_reason": "stop"}
USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}


def whole(**more):
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [ANSWER],
        "usage": USAGE,
    } | more


def piece(delta, finish=None, **more):
    choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
    return {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices} | more


async def ask(model, *, stream=False, tokens=100):
    """The answer or the fault, and for how long the loop was held at most."""
    longest, over = 0.0, False

    async def tick():
        nonlocal longest
        while not over:
            before = time.thread_time()  # other processes and threads do not count
            await asyncio.sleep(0)
            longest = max(longest, time.thread_time() - before)

    await model.open()
    ticking, hear = asyncio.create_task(tick()), (lambda _: None) if stream else None
    try:
        answer = await model.complete(ASK, Sampling(max_tokens=tokens, timeout=30), hear)
    except ModelError as fault:
        answer = fault
    over = True
    await ticking
    return answer, longest


@pytest.fixture(autouse=True)
async def warm(endpoint):
    """The first call imports and builds what the others find."""
    for stream in (False, True):
        await ask(endpoint.model("warm"), stream=stream)
    gc.freeze()  # LiteLLM's objects need not be looked through while the loop is timed
    yield
    gc.unfreeze()


BODIES = {
    "spaces": b" " * 3_000_000,
    "words": b"<html>" + b"service unavailable " * 150_000,
    "an open bracket": b"[" * 3_000_000,
    "half of a JSON": json.dumps(whole()).encode()[:-2] + b"x" * 3_000_000,
    "a JSON of 20 MB": json.dumps(whole(padding="x" * 20_000_000)).encode(),
}


@pytest.mark.parametrize("how", ["plain", "gzip", "deflate"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
async def test_a_body_that_is_no_answer_holds_nobody(body, how, endpoint):
    packed = {"plain": lambda b: b, "gzip": gzip.compress, "deflate": zlib.compress}[how](body)
    headers = {} if how == "plain" else {"content-encoding": how}
    began = time.perf_counter()
    fault, held = await ask(endpoint.model("room", Manners(body=packed, headers=headers)))

    assert fault.kind is ErrorClass.MALFORMED
    assert held < HELD
    assert time.perf_counter() - began < 3


@pytest.mark.parametrize("status", [400, 401, 429, 500, 503])
async def test_a_refusal_of_any_size_is_short(status, endpoint):
    body = b'{"error": {"message": "no, ' + b"because " * 500_000 + b'"}}'
    fault, held = await ask(endpoint.model("room", Manners(status=status, body=body)))

    assert isinstance(fault, ModelError)
    assert len(str(fault)) < 400
    assert held < HELD


async def test_a_bomb_of_200_mb_is_not_inflated(endpoint):
    bomb = zlib.compressobj(9, wbits=31)
    packed = b"".join([*(bomb.compress(b" " * 1_000_000) for _ in range(200)), bomb.flush()])
    fault, held = await ask(endpoint.model("room", Manners(body=packed, headers={"content-encoding": "gzip"})))

    assert "more than 1 MB" in str(fault)
    assert held < HELD


async def test_an_answer_that_is_compressed_unasked_is_read(endpoint):
    packed = gzip.compress(json.dumps(whole()).encode())
    answer, _ = await ask(endpoint.model("room", Manners(body=packed, headers={"content-encoding": "gzip"})))

    assert (answer.text, answer.tokens) == ("A lamp.", 10)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("adapter", [LiteLLMModel, OpenAIServerModel])
async def test_a_flood_of_informational_responses_ends_early(stream, adapter, endpoint):
    endpoint = replace(endpoint, adapter=adapter)
    answer, _ = await ask(endpoint.model("few", Manners(informational=5)), stream=stream)
    fault, held = await ask(endpoint.model("flood", Manners(informational=300_000)), stream=stream)

    assert answer.tokens == 10
    assert "more than 20 informational responses" in str(fault)
    assert fault.kind is ErrorClass.MALFORMED
    assert held < HELD


STREAMS = {
    "a line of 20 MB": [b"data: " + b"x" * 20_000_000],
    "an event that is no JSON": [piece({"content": "A"}), b"data: {" + b" x" * 400_000 + b"\n\n"],
    "an event that is one JSON of 8 MB": [piece({"content": "A", "padding": "x" * 8_000_000})],
    "60,000 empty events": [b"".join(b"data: %b\n\n" % json.dumps(piece({})).encode() for _ in range(60_000))],
    "60,000 pings": [b'data: {"type": "ping"}\n\n' * 60_000],
}


@pytest.mark.parametrize("events", STREAMS.values(), ids=STREAMS.keys())
async def test_a_stream_that_is_no_answer_holds_nobody(events, endpoint):
    began = time.perf_counter()
    fault, held = await ask(endpoint.model("room", Manners(events=events)), stream=True)

    assert fault.kind is ErrorClass.MALFORMED
    assert held < HELD
    assert time.perf_counter() - began < 3


async def test_a_long_answer_comes_through(endpoint):
    words = [piece({"content": "word "}) for _ in range(1000)]
    long = [*words, piece({}, "stop"), piece({}) | {"choices": [], "usage": USAGE}]
    answer, held = await ask(endpoint.model("room", Manners(events=long)), stream=True, tokens=4000)

    assert answer.text == "word " * 1000  # LiteLLM takes a hundred equal pieces for a fault
    assert answer.finish_reason == "stop"
    assert held < HELD


async def test_a_redirect_to_another_host_is_not_followed(endpoint):
    for status in (301, 302, 307, 308):
        elsewhere = {"location": "http://localhost:9/v1/chat/completions"}
        fault, _ = await ask(endpoint.model("room", Manners(status=status, body="", headers=elsewhere)))

        assert str(fault) == "hosted_vllm/echo sends on to http://localhost, which is not followed"
        assert (fault.kind, fault.taken_up) == (ErrorClass.BAD_REQUEST, False)
    assert endpoint.asked["room"] == 4


async def test_headers_have_their_bound_too(endpoint):
    fault, held = await ask(endpoint.model("room", Manners(headers={f"x-{n}": "y" * 4000 for n in range(60)})))

    assert isinstance(fault, ModelError)
    assert held < HELD


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("count", ["many", 1.5, -3, 10**30, None, [1]])
async def test_an_answer_whose_usage_is_nonsense_is_still_an_answer(count, stream, endpoint):
    usage = {"prompt_tokens": count, "completion_tokens": count, "total_tokens": count}
    events = [piece({"content": "A lamp."}), piece({}, "stop"), piece({}) | {"choices": [], "usage": usage}]
    act = Manners(events=events) if stream else Manners(body=json.dumps(whole(usage=usage)))
    answer, _ = await ask(endpoint.model("room", act), stream=stream)

    assert answer.text == "A lamp."
    assert answer.prompt_tokens > 0
    assert answer.completion_tokens == (10**30 if count == 10**30 else 2 if count == 1.5 else 3)


@pytest.mark.parametrize("message", [None, {"role": "assistant", "content": 7}, "A lamp."])
async def test_an_answer_that_cannot_be_read_is_charged_for_what_came(message, endpoint):
    body = json.dumps(whole(choices=[{**ANSWER, "message": message, "text": "Some words that came"}]))
    fault, _ = await ask(endpoint.model("room", Manners(body=body)))

    assert fault.taken_up
    assert fault.arrived == 4


@pytest.mark.parametrize("key", ["content", "reasoning_content"])
async def test_a_stream_that_breaks_is_charged_for_its_words_and_thoughts(key, endpoint):
    act = Manners(events=[piece({key: "one two three four five six seven eight nine ten " * 200})], leaves=True)
    fault, _ = await ask(endpoint.model("room", act), stream=True, tokens=3000)

    assert fault.kind is ErrorClass.TRANSIENT
    assert fault.taken_up
    assert 2000 <= fault.arrived <= 2200


@pytest.mark.parametrize("stream", [False, True])
async def test_usage_under_anthropic_s_names_is_read(stream, endpoint):
    usage = {"input_tokens": 70, "output_tokens": 3}
    events = [piece({"content": "A lamp."}), piece({}, "stop"), piece({}) | {"choices": [], "usage": usage}]
    act = Manners(events=events) if stream else Manners(body=json.dumps(whole(usage=usage)))
    answer, _ = await ask(endpoint.model("room", act), stream=stream)

    assert (answer.text, answer.prompt_tokens, answer.completion_tokens, answer.estimated) == ("A lamp.", 70, 3, False)


MANY = {
    "choices": {"choices": [ANSWER] * 10_000},
    "calls": {
        "choices": [
            {
                "index": 0,
                "finish_reason": "tool_calls",
                "message": {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
                    * 5000,
                },
            }
        ]
    },
}


@pytest.mark.parametrize("more", MANY.values(), ids=MANY.keys())
async def test_an_answer_of_too_many_parts_is_refused_before_it_is_built(more, endpoint):
    fault, held = await ask(endpoint.model("room", Manners(body=json.dumps(whole(**more)))))

    assert fault.kind is ErrorClass.MALFORMED
    assert "sent an answer with" in str(fault)
    assert held < HELD


async def test_a_stream_that_nobody_asked_for_is_no_answer(endpoint):
    words = [piece({"content": "w " * 20_000}) for _ in range(20)]
    body = b"".join(b"data: %b\n\n" % json.dumps(one).encode() for one in words)
    fault, held = await ask(endpoint.model("room", Manners(body=body, headers={"content-type": "text/event-stream"})))

    assert fault.kind is ErrorClass.MALFORMED
    assert held < HELD


@pytest.mark.parametrize("line", [b": ping\n\n", b"\n", b"data:\n\n", b"event: ping\nid: 3\n\n"])
async def test_a_stream_of_nothing_but_remarks_ends(line, endpoint):
    fault, _ = await ask(endpoint.model("room", Manners(events=[line * 20_000])), stream=True)

    assert "lines in a row that say nothing" in str(fault)


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_in_parts_is_one_text(stream, endpoint):
    parts = [{"type": "text", "text": "A "}, {"type": "image_url"}, {"type": "text", "text": "lamp."}, 7]
    told = []
    if stream:
        act = Manners(events=[piece({"content": parts}), piece({}, "stop"), b"data: [DONE]\n\n"])
    else:
        message = {"role": "assistant", "content": parts}
        act = Manners(body=json.dumps(whole(choices=[{**ANSWER, "message": message}])))
    model = endpoint.model("room", act)
    await model.open()
    answer = await model.complete(ASK, Sampling(max_tokens=100, timeout=30), told.append if stream else None)

    assert answer.text == "A lamp."
    assert told == (["A lamp."] if stream else [])


async def test_a_second_choice_is_not_glued_to_the_first(endpoint):
    other = {"index": 1, "delta": {"content": "B"}, "finish_reason": None}
    events = [piece({"content": "A"}), piece({}) | {"choices": [other]}, piece({"content": "C"}), piece({}, "stop")]
    answer, _ = await ask(endpoint.model("room", Manners(events=events)), stream=True)

    assert answer.text == "AC"


async def test_usage_that_was_said_is_charged_when_the_answer_fails(endpoint):
    usage = {"prompt_tokens": 9, "completion_tokens": 80, "total_tokens": 89}
    broken = {"error": {"message": "overloaded", "code": 529}}
    events = [piece({"content": "A"}, usage=usage), broken]
    fault, _ = await ask(endpoint.model("room", Manners(events=events)), stream=True)
    nothing, _ = await ask(endpoint.model("other", Manners(body=json.dumps(whole(choices=[], usage=usage)))))

    assert (fault.arrived, fault.taken_up) == (80, True)
    assert (nothing.arrived, nothing.taken_up) == (80, True)


async def test_an_answer_that_cannot_be_inflated_is_charged_as_the_longest(endpoint):
    act = Manners(body=b"not compressed at all", headers={"content-encoding": "br"})
    fault, _ = await ask(endpoint.model("room", act), tokens=70)

    assert (fault.arrived, fault.taken_up) == (70, True)


async def test_a_finished_answer_is_taken_from_a_line_that_stays_open(endpoint):
    endpoint.manners.events = [piece({"content": "A lamp."}), piece({}, "stop", usage=USAGE)]
    endpoint.manners.stall = True
    answer, _ = await ask(endpoint.model(), stream=True)

    assert answer.text == "A lamp."
    assert answer.completion_tokens == 3


async def test_a_bomb_of_another_type_is_not_inflated_into_a_stream(endpoint):
    bomb = zlib.compressobj(9, wbits=31)
    packed = b"".join([*(bomb.compress(b" " * 1_000_000) for _ in range(200)), bomb.flush()])
    headers = {"content-encoding": "gzip", "content-type": "image/png"}
    fault, _ = await ask(endpoint.model("room", Manners(body=packed, headers=headers)), stream=True)

    assert isinstance(fault, ModelError)
    assert "more than 1 MB" in str(fault)


@pytest.mark.parametrize("stream", [False, True])
async def test_an_end_that_is_no_word_is_a_plain_end(stream, endpoint):
    if stream:
        manners = Manners(events=[piece({"content": "A lamp."}), piece({}, finish={"a": 1})])
    else:
        manners = Manners(body=json.dumps(whole(choices=[ANSWER | {"finish_reason": {"a": 1}}])))
    answer, _ = await ask(endpoint.model("odd", manners), stream=stream)

    assert (answer.text, answer.finish_reason) == ("A lamp.", "stop")
