"""Whatever a provider does, a run ends, and pays for what it used."""

from __future__ import annotations

import random
import time

import pytest

from jupyter_loops.history import open_history
from jupyter_loops.planning.models.openai_server import OpenAIServerModel
from jupyter_loops.planning.models.provider import LiteLLMModel
from tests.endpoint import Manners, serving

from .providers import GOOD, PRICE, TABLE, begin, charged, play, refusal


@pytest.fixture(scope="module", params=[LiteLLMModel, OpenAIServerModel], ids=["litellm", "thin"])
def table(request, tmp_path_factory):
    with serving(adapter=request.param) as endpoint:
        path = tmp_path_factory.mktemp("first") / "history.duckdb"
        run, _ = begin(endpoint, "first", (), path, streaming=True, call_timeout=30)  # a first call takes its time
        run.wait(60)
        open_history(str(path)).close()
        yield endpoint


@pytest.fixture
def history(tmp_path):
    path = tmp_path / "history.duckdb"
    yield path
    open_history(str(path)).close()


CASES = [(row, streaming) for row in TABLE for streaming in row.modes]


@pytest.mark.parametrize(
    ("row", "streaming"), CASES, ids=[f"{row.name}-{'stream' if mode else 'whole'}" for row, mode in CASES]
)
def test_each_fault_has_its_class_action_charge_and_end(table, history, row, streaming):
    played = play(table, row, history, streaming=streaming)
    calls = played.of("call_finished")

    assert calls[0]["error"] == (row.kind or ""), calls[0]["message"]
    assert charged(calls[0]) == row.charge
    assert played.run.termination.reason == row.end, played.run.termination.message
    assert len(calls) == row.calls
    assert played.run.usage.iterations == row.rounds
    if not row.nobody:
        assert played.asked == row.calls  # nobody else tried again behind our back
    assert_books(played.run)
    if row.kind and row.calls > 1:
        waits = [move["note"] for move in played.of("state_changed") if move["to"] == "wait"]
        assert f"try 2 of {row.tries}" in waits[0]


def test_a_bill_above_what_was_allowed_is_charged_and_noted(table, history):
    row = next(row for row in TABLE if row.name == "usage lying")
    played = play(table, row, history, streaming=True)

    assert played.run.usage.tokens == 50_060
    assert played.run.usage.usd == pytest.approx(PRICE.cost(60, 50_000))
    assert "billed 60 + 50,000 tokens" in played.of("note_added")[0]["message"]


FAULTS = {
    "500": refusal(500, "x"),
    "429": refusal(429, "x"),
    "529": refusal(529, "x"),
    "overflow": refusal(400, "maximum context length is 9"),
    "not json": Manners(body="{"),
    "no choices": Manners(choices=False, finish_reason=None),
    "reset": Manners(reset=True),
    "breaks off": Manners(break_off=True),
    "cut": Manners(cut=True),
    "garbled": Manners(garbled=True),
    "silent": Manners(silent=True),
    "stalls": Manners(stall=True),
    "twice": Manners(twice=True),
    "no usage": Manners(usage=None),
    "wrong answer": Manners(words=("```python\ndef double(n):\n    return 7\n```",)),
    "nonsense": Manners(words=("I would rather not.",)),
    "401": refusal(401, "x"),
    "filter": Manners(finish_reason="content_filter"),
    "good": GOOD,
}
SEQUENCES, AT_ONCE = 100, 10


@pytest.mark.timeout(600)
def test_a_hundred_random_sequences_of_faults_leave_no_hung_run_no_double_charge_and_no_lost_round(
    table, history, monkeypatch
):
    monkeypatch.setattr("jupyter_loops.engine.recovery.random.uniform", lambda low, high: min(high, 0.01))
    dice = random.Random(20261124)
    sequences = [dice.choices(list(FAULTS), k=dice.randint(1, 7)) for _ in range(SEQUENCES)]
    for start in range(0, SEQUENCES, AT_ONCE):
        runs = []
        for number, sequence in enumerate(sequences[start : start + AT_ONCE], start):
            acts = tuple(FAULTS[name] for name in sequence)
            room = f"random{number}"
            run, _ = begin(table, room, acts, history, streaming=bool(number % 2), iterations=5, call_timeout=0.8)
            runs.append((sequence, room, run))
        deadline = time.monotonic() + 60
        for sequence, room, run in runs:
            end = run.wait(max(deadline - time.monotonic(), 0))
            assert end.reason in {"verified", "iterations", "error", "refused", "breaker_open"}, (sequence, end)
            calls = assert_books(run)
            late = sum("did not answer within" in call["message"] for call in calls)  # it may not even have left
            assert len(calls) - late <= table.asked[room] <= len(calls), sequence


def assert_books(run):
    """Every call is begun once, finished once and charged once; every round and every event is there. The calls."""
    records = run.history.records(run.id)
    of = {kind: [record for record in records if record["kind"] == kind] for kind in {r["kind"] for r in records}}
    calls = of["call_finished"]
    assert [record["seq"] for record in records] == list(range(1, len(records) + 1))
    assert [call["call"] for call in of["call_started"]] == [call["call"] for call in calls]
    assert [call["call"] for call in calls] == list(range(1, len(calls) + 1))
    assert [record["iteration"] for record in of["iteration_finished"]] == list(
        range(1, len(of["iteration_finished"]) + 1)
    )
    assert records[-1]["kind"] == "run_ended"
    usage = run.usage
    assert usage.calls == len(calls)
    assert usage.tokens == sum(call["prompt_tokens"] + call["completion_tokens"] for call in calls)
    assert usage.usd == pytest.approx(sum(call["usd"] for call in calls))
    reserved = run.cycle.context.ledger.account.reserved
    assert (reserved.tokens, reserved.calls) == (0, 0)
    assert reserved.usd == pytest.approx(0, abs=1e-9)
    return calls
