import random
from datetime import UTC, datetime, timedelta

import pytest

from jupyter_loops.core.events import Record, RunEnded

OLD, NEW, VERIFIED = "20200101T000000-old", "20261122T000000-new", "20200101T000000-ver"


@pytest.fixture
def filled(history, started, a_round, a_run):
    """An old run, a new one, and an old one that is verified; the old one is large."""
    end = RunEnded(reason="iterations", message="enough", usage={}, iterations=1, best=1)
    for run, day in [(OLD, datetime(2020, 1, 1, tzinfo=UTC)), (NEW, datetime.now(UTC))]:
        noise = random.Random(1).randbytes(1_500_000).hex() if run == OLD else "new text"
        for seq, event in enumerate([started(), *a_round(1, answer=noise, text=f"candidate {run}"), end], start=1):
            history.append(Record(run, seq, day, event))
    for record in a_run(VERIFIED):
        history.append(Record(record.run, record.seq, datetime(2020, 1, 1, tzinfo=UTC), record.event))
    history.flush()
    return history


def runs(history):
    return {run for (run,) in history.sql("SELECT run_id FROM runs").fetchall()}


def test_pruning_deletes_old_runs_whole_and_keeps_verified_ones(filled):
    assert filled.prune(timedelta(days=90)) == [OLD]

    assert runs(filled) == {NEW, VERIFIED}
    for table in ["events", "calls", "iterations", "actions", "verdicts"]:
        assert filled.sql(f"SELECT count(*) FROM {table} WHERE run_id = $run", {"run": OLD}).fetchall() == [(0,)]
    assert filled.sql("SELECT count(*) FROM texts WHERE text LIKE '%candidate%old'").fetchall() == [(0,)]
    assert len(filled.sql("FROM texts WHERE text = 'Make slugs.'")) == 1  # others use it too
    assert filled.verify() == []


def test_pruning_makes_the_file_smaller_and_leaves_it_whole(filled, path):
    before = path.stat()
    filled.prune(timedelta(days=90))

    assert path.stat().st_size < before.st_size - 500_000
    assert path.stat().st_mode == before.st_mode
    assert len(filled.sql("FROM run_summary")) == 2
    filled.append(
        Record("later", 1, datetime.now(UTC), RunEnded(reason="error", message="", usage={}, iterations=0, best=None))
    )
    assert "later" in runs(filled)


def test_pruning_may_take_verified_runs_too_and_may_only_tell(filled):
    assert filled.prune(timedelta(days=90), keep_verified=False, dry_run=True) == [OLD, VERIFIED]
    assert len(runs(filled)) == 3


def test_forgetting_removes_texts_and_the_chain_still_verifies(filled):
    assert filled.forget(OLD) == 2

    assert filled.rounds(OLD)[0]["candidate"] is None
    assert filled.rounds(NEW)[0]["candidate"] == f"candidate {NEW}"
    assert [event["text"] for event in filled.records(OLD) if event["kind"] == "candidate_proposed"] == [""]
    assert filled.verify() == []


def test_sizes_are_told_for_each_run_largest_first(filled):
    rows = filled.sizes().dicts()

    assert rows[0]["run_id"] == OLD
    assert rows[0]["text_bytes"] > 2_000_000
    assert {row["run_id"] for row in rows} == {OLD, NEW, VERIFIED}
