"""What goes on, waits, or was just gone on with is neither pruned nor forgotten; a chain that was cut can travel."""

from datetime import UTC, datetime, timedelta

import pytest

from jupyter_loops.core.events import Record
from jupyter_loops.errors import HistoryError
from jupyter_loops.history import History
from jupyter_loops.history.retention import delete

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def say(history, run, events, start=1):
    for seq, event in enumerate(events, start=start):
        history.append(Record(run, seq, LONG_AGO, event))
    history.flush()


def runs(history):
    return {run for (run,) in history.sql("SELECT run_id FROM runs")}


def test_a_run_of_this_kernel_that_goes_on_stays_with_all_it_comes_from(history, started, a_round, a_run):
    for record in a_run("grandparent"):
        history.append(Record(record.run, record.seq, LONG_AGO, record.event))
    for record in a_run("parent", parent="grandparent", relation="fork", forked_at=1):
        history.append(Record(record.run, record.seq, LONG_AGO, record.event))
    say(history, "live", [started(journal=history.journal.token, parent="parent", relation="fork"), *a_round(1)])
    say(history, "dead", [started(journal="0123456789ab"), *a_round(1)])

    assert history.prune(timedelta(days=1), keep_verified=False) == ["dead"]
    say(history, "live", a_round(2), start=12)
    assert len(history.records("live")) == 21
    assert history.verify() == []


def test_a_run_of_another_kernel_that_goes_on_stays(path, start, started, history):
    code = (
        "import sys, time; from datetime import UTC, datetime; from jupyter_loops.history import History;"
        "from jupyter_loops.core.events import Record, RunStarted; history = History(sys.argv[1]);"
        "history.append(Record('theirs', 1, datetime(2020, 1, 1, tzinfo=UTC), RunStarted(loop='l', goal='g',"
        "source='s', fingerprint='f', model='m', isolation='process', budget={}, price=None, options={}, targets=[],"
        "checks=[], journal=history.journal.token))); history.flush(); print('said', flush=True); time.sleep(60)"
    )
    process = start("-c", code, path)
    assert process.stdout.readline() == "said\n"

    assert history.prune(timedelta(days=1), keep_verified=False) == []
    process.kill()
    process.wait()
    assert history.prune(timedelta(days=1), keep_verified=False) == ["theirs"]


def test_a_run_that_was_just_gone_on_with_stays(history, a_run):
    for record in a_run("ended"):
        history.append(Record(record.run, record.seq, LONG_AGO, record.event))
    claim = history.claim("ended")

    assert history.prune(timedelta(days=1), keep_verified=False) == []
    with pytest.raises(HistoryError, match="run ended goes on"):
        history.forget("ended")
    claim.remove()
    assert history.prune(timedelta(days=1), keep_verified=False) == ["ended"]


@pytest.fixture
def cut(history, a_run):
    """A history with a run that an older version pruned while it went on."""
    records = a_run("cut")
    for record in records[:9]:
        history.append(record)
    live = history._opened()
    with live.store.writing(live.journal) as cursor:
        delete(cursor, ["cut"])
    history.close()  # or its journal would give them back
    for record in [*records[9:], *a_run("whole")]:
        history.append(record)
    history.flush()
    return history


def test_a_chain_that_was_cut_travels_and_its_gap_is_told(cut, tmp_path):
    bundle = cut.export("cut", tmp_path / "cut.jsonl")
    elsewhere = History(tmp_path / "elsewhere.duckdb")

    assert elsewhere.load(bundle) == "cut"
    assert elsewhere.notices == ["events 1 to 9 are missing from run cut; the others are as they were written"]
    assert elsewhere.sql("SELECT min(seq), count(*) FROM events").fetchall() == [(10, len(cut.records("cut")))]
    elsewhere.close()


def test_a_cut_chain_does_not_keep_the_other_runs_from_travelling(cut, tmp_path):
    elsewhere = History(tmp_path / "elsewhere.duckdb")

    assert elsewhere.merge(cut) == len(cut.sql("FROM events"))
    assert runs(elsewhere) == {"cut", "whole"}
    assert [notice for notice in elsewhere.notices if "events 1 to 9 are missing from run cut" in notice]
    assert elsewhere.merge(cut) == 0
    elsewhere.close()


def test_an_edit_behind_a_gap_is_still_refused(cut, tmp_path):
    cut.sql("UPDATE events SET body = replace(body, 'local', 'other') WHERE run_id = 'cut' AND seq > 11", write=True)
    elsewhere = History(tmp_path / "elsewhere.duckdb")

    with pytest.raises(HistoryError, match="nothing was imported"):
        elsewhere.merge(cut)
    assert runs(elsewhere) == set()
    elsewhere.close()
