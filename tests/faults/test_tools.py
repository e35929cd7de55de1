"""A run whose model calls tools over real HTTP: in the endpoint's own form, and in words after it has refused that."""

import json
from dataclasses import replace

import pytest

from jupyter_loops.assemble import Adapters, Options, launch
from jupyter_loops.execution.sandbox import ZygoteSandbox
from jupyter_loops.history import open_history
from jupyter_loops.language import parse
from jupyter_loops.planning.models import features
from tests.endpoint import Manners, serving

from .providers import PRICE, Ear, refusal

CELL = '''
"""The price of a lamp."""
price: int

@tool
def look(product: str) -> int:
    """The price of a product."""
    return prices[product]

assert price == 12
'''
USED = {"prompt_tokens": 60, "completion_tokens": 20, "total_tokens": 80}
CALLS = Manners(calls=(("look", '{"product": "lamp"}'),), finish_reason="tool_calls", usage=USED)
TOLD = Manners(words=('{"tool": "look", ', '"arguments": {"product": "lamp"}}'), usage=USED)
RIGHT = Manners(words=('{"price"', ": 12}"), usage=USED)


@pytest.fixture
def play(tmp_path, monkeypatch):
    monkeypatch.setattr(features, "_refused", {})
    path = str(tmp_path / "history.duckdb")

    def play(*acts, streaming=True, **options):
        with serving() as endpoint:
            model, ear = endpoint.model("tools", *acts, price=PRICE), Ear()
            parts = Adapters(model, ZygoteSandbox(isolation="process"))
            chosen = Options(history=path, sandbox="process", fresh=True, call_timeout=20, **options)
            names = {"prices": {"lamp": 12}}
            run = launch(parse(CELL, "lamp"), chosen, names, [ear] if streaming else [], parts)
            run.wait(60)
            return run, ear, endpoint.manners.requests

    yield play
    open_history(path).close()


@pytest.mark.parametrize("streaming", [True, False])
def test_a_call_goes_to_the_kernel_and_its_result_back_and_both_questions_are_paid(play, streaming):
    run, _, (first, second) = play(CALLS, RIGHT, streaming=streaming)

    assert run.termination.verified
    assert [one["function"]["name"] for one in first["tools"]] == ["look"]
    assert second["messages"][-1] == {"role": "tool", "content": "```\n12\n```", "tool_call_id": "call-0"}
    assert (run.usage.calls, run.usage.iterations) == (2, 1)
    assert run.usage.tokens > 160, "a prompt is longer than this endpoint says, and the dearer reading counts"
    [row] = run.history.calls(run.id)[:1]
    assert row["reserved_tokens"] > 600  # what a provider may add about tools is set aside


def test_an_endpoint_that_refuses_tools_is_told_of_them_in_the_prompt_within_the_same_round(play):
    run, ear, requests = play(refusal(400, "tools is not supported"), TOLD, RIGHT)

    assert run.termination.verified
    assert ["tools" in request for request in requests] == [True, False, False]
    assert "- look(product: string)" in requests[1]["messages"][0]["content"]
    assert "```\n12\n```" in requests[2]["messages"][-1]["content"]
    [left_out] = [event for event in ear.events if event.kind == "request_adapted" and event.what == "feature"]
    assert left_out.before == "tool calls"
    assert run.usage.iterations == 1


def test_a_call_that_is_cut_in_the_middle_of_its_arguments_is_told_and_tried_again(play):
    cut = replace(CALLS, calls=(("look", '{"product": '),), finish_reason="length")
    run, ear, requests = play(cut, CALLS, RIGHT)

    assert run.termination.verified
    said = [message["content"] for message in requests[1]["messages"] if message["role"] == "tool"]
    assert len(said) == 1
    assert "error: the arguments are no JSON object" in said[0]
    assert [event.error for event in ear.events if event.kind == "tool_call_finished"] == ["arguments", ""]


def test_ten_megabytes_of_arguments_end_nothing(play):
    huge = replace(CALLS, calls=(("look", json.dumps({"product": "x" * 10_000_000})),))
    run, ear, _ = play(huge, RIGHT, RIGHT, max_tokens=64)

    assert run.termination.verified
    assert all(len(event.arguments) < 10_000 for event in ear.events if event.kind == "tool_call_started")
