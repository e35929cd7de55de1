"""Calls of tools, as the endpoints of the world stream them."""

import pytest

from jupyter_loops.core.message import Message, Prompt, Sampling
from jupyter_loops.core.tool import Offer
from jupyter_loops.errors import ErrorClass, ModelError
from tests.endpoint import Manners

LOOK = Offer(
    name="look", description="Looks.", parameters={"type": "object", "properties": {"key": {"type": "string"}}}
)
ASK = Prompt(messages=(Message("user", "Look."),), tools=(LOOK,))
A, B = '{"key": "a"}', '{"key": "b"}'


def event(*calls, finish=None):
    choices = [{"index": 0, "delta": {"tool_calls": list(calls)} if calls else {}, "finish_reason": finish}]
    return {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices}


def call(arguments, index=None, id_=None, name="look"):
    function = {"arguments": arguments} | ({"name": name} if name else {})
    told = {"index": index, "id": id_}
    return {"type": "function", "function": function} | {key: value for key, value in told.items() if value is not None}


async def made(endpoint, *events):
    act = Manners(events=[*events, event(finish="tool_calls")])
    answer = await endpoint.model("room", act).complete(ASK, Sampling(max_tokens=100), lambda _: None)
    assert len({one.id for one in answer.calls}) == len(answer.calls)
    assert all(one.id for one in answer.calls)
    return [one.arguments for one in answer.calls]


@pytest.mark.parametrize(
    "events",
    [
        [event(call(A, 0, "1")), event(call(B, 1, "2"))],
        [event(call(A, 0, "1")), event(call(B, 0, "2"))],  # Ollama
        [event(call(A, 0, "1"), call(B, 0, "2"))],
        [event(call(A, None, "1")), event(call(B, None, "2"))],
        [event(call(A, 0)), event(call(B, 1))],
        [event(call(A, 0)), event(call(B, 0))],
        [event(call(A)), event(call(B))],
        [
            event(call("", 0, "1")),
            event(call(A[:5], 0, name=None)),
            event(call(A[5:], 0, name=None)),
            event(call(B, 0, "2")),
        ],
        [event(call(A, 0, "same")), event(call(B, 1, "same"))],
    ],
)
async def test_two_calls_are_two_however_they_are_told(events, endpoint):
    assert await made(endpoint, *events) == [A, B]


async def test_pieces_of_one_call_are_one(endpoint):
    for again in (None, "1"):
        pieces = [event(call(A[:5], 0, "1")), event(call(A[5:], 0, again, name=None))]
        assert await made(endpoint, *pieces) == [A]


@pytest.mark.parametrize("later", [call(B, 0, name=None), call(B, 0, "1", name=None), call(B, 0, "1")])
async def test_what_cannot_be_told_apart_is_no_answer(later, endpoint):
    with pytest.raises(ModelError, match="cannot be told apart") as fault:
        await made(endpoint, event(call(A, 0, "1")), event(later))

    assert (fault.value.kind, fault.value.taken_up) == (ErrorClass.MALFORMED, True)
