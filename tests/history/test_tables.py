import json
import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from jupyter_loops.core.events import NoteAdded, Record

VIEWS = [
    "run_summary", "iteration_progress", "cost_by_model", "cost_by_day", "latency", "failures", "stop_reasons",
    "prompt_parts", "candidates", "prompts",
]  # fmt: skip


def one(history, query, **params):
    (row,) = history.sql(query, params).dicts()
    return row


@pytest.fixture
def full(history, a_run):
    for record in a_run():
        history.append(record)
    return history


def test_a_run_is_one_row_with_its_limits_its_end_and_its_cost(full):
    row = one(full, "FROM runs")

    assert (row["loop"], row["state"], row["stop_reason"], row["best_iteration"]) == ("slug", "end", "verified", 2)
    assert (row["budget_usd"], row["budget_tokens"], row["price_prompt"]) == (0.5, None, 1e-6)
    assert row["tokens"] == 30
    assert row["usd"] == pytest.approx(0.002)
    assert row["targets"] == ["slug"]
    assert row["started_at"] <= row["ended_at"]
    assert abs(row["ended_at"] - datetime.now(UTC).replace(tzinfo=None)).total_seconds() < 60


def test_a_running_run_is_visible_with_its_state_and_what_it_has_spent(history, a_run):
    for record in a_run()[:8]:  # up to the move to verify
        history.append(record)

    row = one(history, "FROM runs")

    assert (row["state"], row["stop_reason"], row["ended_at"], row["current_iteration"]) == ("verify", None, None, 1)
    assert (row["tokens"], row["usd"], row["calls"], row["iterations"]) == (15, 0.001, 1, 0)
    assert one(history, "FROM iterations")["ended_at"] is None
    assert one(history, "FROM run_summary")["status"] == "running: verify"


def test_a_run_whose_kernel_is_gone_is_not_shown_as_running(history, a_run):
    import os
    import platform
    import subprocess
    import sys

    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for run, pid in [("20261122T000000-dead", ended.pid), ("20261122T000000-here", os.getpid())]:
        for record in a_run(run, kernel=f"{pid}@{platform.node()}")[:8]:
            history.append(record)

    status = dict(history.sql("SELECT run_id, status FROM run_summary").fetchall())

    assert status == {"20261122T000000-dead": "kernel ended: verify", "20261122T000000-here": "running: verify"}
    assert history.verify() == []


def test_rows_are_the_same_whether_events_arrive_one_by_one_or_all_at_once(full, a_run, tmp_path):
    from jupyter_loops.history import History

    slow = History(tmp_path / "slow.duckdb")
    for record in full.records("20261122T000000-aaaa"):
        original = next(other for other in a_run() if other.seq == record["seq"])
        slow.append(Record(original.run, original.seq, datetime.fromisoformat(record["at"]), original.event))
        slow.flush()

    for table in ["runs", "iterations", "calls", "actions", "verdicts", "notes", "events", "texts"]:
        query = f"FROM {table} ORDER BY ALL"
        assert slow.sql(query).fetchall() == full.sql(query).fetchall(), table
    slow.close()


def test_a_round_has_its_candidate_and_its_progress(full):
    first, second = full.rounds("20261122T000000-aaaa")

    assert (first["iteration"], first["passed"], first["total"], first["progress"]) == (1, 0, 1, 0.0)
    assert second["candidate"] == "def slug(t): return 2"
    assert second["phases"] == [["plan", 0.4], ["verify", 0.01]]
    assert second["digest"] == "digest 2"


def test_a_stored_candidate_that_is_verified_again_is_round_zero(history, started, a_round):
    again = [event for event in a_round(0, passed=True) if event.kind not in {"call_started", "call_finished"}]
    for seq, event in enumerate([started(), *again], start=1):
        history.append(Record("r", seq, datetime.now(UTC), event))

    assert [row["iteration"] for row in history.rounds("r")] == [0]
    assert one(history, "FROM runs")["iterations"] == 0


def test_a_call_in_flight_is_a_row_without_an_end(history, a_run):
    for record in a_run()[:3]:
        history.append(record)

    row = one(history, "FROM calls")

    assert (row["ended_at"], row["usd"], row["reserved_tokens"]) == (None, None, 100)


def test_a_finished_call_has_its_answer_usage_and_prompt(full):
    row = full.calls("20261122T000000-aaaa")[0]

    assert (row["prompt_tokens"], row["completion_tokens"], row["answered_by"], row["error"]) == (
        10,
        5,
        "local-135m",
        None,
    )
    assert row["sampling"] == {"temperature": 0.2}
    assert row["parts"] == [{"name": "goal", "tokens": 4, "dropped": 1}]
    roles = full.sql("SELECT role, text FROM prompts WHERE call = 1").fetchall()
    assert roles == [("user", "Make slugs."), ("answer", "answer 1")]


def test_actions_verdicts_and_notes_are_rows(full):
    assert full.sql("SELECT exit, fault_type FROM actions ORDER BY seq").fetchall() == [
        ("raised", "ValueError"),
        ("ok", None),
    ]
    assert full.sql("SELECT passed, message, metric_value FROM verdicts ORDER BY seq").fetchall() == [
        (False, "'b' != 'a'", 0.5),
        (True, None, 0.5),
    ]
    assert full.sql("SELECT action, message FROM notes ORDER BY seq").fetchall() == [
        ("hint", "try lower()"),
        ("note", "half is left"),
    ]


def test_a_text_is_stored_once_however_often_it_is_used(full):
    assert full.sql("SELECT count(*) FROM texts WHERE text = 'Make slugs.'").fetchall() == [(1,)]
    assert full.sql("SELECT count(*) FROM texts WHERE sha <> sha256(text)").fetchall() == [(0,)]


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_answers(full, view):
    assert len(full.sql(f"FROM {view}")) > 0


def test_a_state_and_a_stop_reason_of_a_later_version_are_stored_as_they_are(history, a_run):
    for record in a_run():
        event = record.event
        if event.kind == "run_ended":
            event = replace(event, reason="of a later version")
        history.append(replace(record, event=event))

    assert history.sql("SELECT stop_reason, status FROM run_summary").fetchall() == [("of a later version",) * 2]
    assert history.sql("SELECT stop_reason, runs FROM stop_reasons").fetchall() == [("of a later version", 1)]
    assert history.verify() == []


def test_events_come_back_as_they_were_said(full, a_run):
    said = [json.loads(json.dumps(record.to_json())) for record in a_run()]
    back = full.records("20261122T000000-aaaa")

    for before, after in zip(said, back, strict=True):
        assert after | {"at": None} == before | {"at": None}


@pytest.mark.parametrize(
    "text",
    [
        "'; DROP TABLE runs; --",
        'a "quoted" $name',
        "x\0y",
        "Ünïcode 漢字 😀",
        "line\nline\r\n",
        "\x1b[31mred",
        "x" * 3_000_000,
    ],
    ids=["sql", "quotes", "nul", "unicode", "lines", "ansi", "huge"],
)
def test_hostile_text_comes_back_unchanged(history, started, a_round, text):
    events = [started(goal=text, source=text), *a_round(1, text=text, answer=text)]
    for seq, event in enumerate(events, start=1):
        history.append(Record("r", seq, datetime.now(UTC), event))

    assert history.rounds("r")[0]["candidate"] == text
    assert history.records("r")[0]["source"] == history.run("r")["goal"] == text


def test_a_lone_surrogate_does_not_stop_a_run(history, started, a_round):
    for seq, event in enumerate([started(), *a_round(1, answer="a\ud800b")], start=1):
        history.append(Record("r", seq, datetime.now(UTC), event))

    assert history.records("r")[3]["text"] == "a?b"


def test_a_score_that_is_not_a_number_is_null_in_its_column_and_whole_in_its_event(history, started, a_round):
    for seq, event in enumerate([started(), *a_round(1, score=math.nan), *a_round(2, score=-math.inf)], start=1):
        history.append(Record("r", seq, datetime.now(UTC), event))

    assert [row["score"] for row in history.rounds("r")] == [None, None]
    first, second = (event["score"] for event in history.records("r") if event["kind"] == "iteration_finished")
    assert math.isnan(first)
    assert second == -math.inf


def test_an_event_that_fits_no_column_does_not_stop_those_behind_it(history, started):
    from jupyter_loops.core.events import CallFinished, StateChanged

    strange = [
        started(budget={"usd": "much"}),
        StateChanged(iteration=1, source="?", to="elsewhere"),
        CallFinished(call="x", iteration=10**30),
    ]
    for seq, event in enumerate([*strange, NoteAdded(iteration=1, message="still here")], start=1):
        history.append(Record("r", seq, datetime.now(UTC), event))

    assert one(history, "FROM notes")["message"] == "still here"
    assert len(history.records("r")) == 4
