"""A run that is deleted from all tables is named; what was deleted by prune is no alarm."""

import contextlib
import shutil
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from jupyter_loops.core.events import Record
from jupyter_loops.history import History
from tests.history.older import TO_SCHEMA_2

RUN, OTHER = "20261122T000000-aaaa", "20261122T000001-bbbb"
TABLES = ("iterations", "calls", "actions", "verdicts", "notes", "events", "runs")
WHOLE = [f"DELETE FROM {table} WHERE run_id LIKE '%aaaa'" for table in TABLES]


@pytest.fixture
def filled(history, a_run):
    for record in [*a_run(RUN), *a_run(OTHER)]:
        history.append(record)
    history.flush()
    return history


@pytest.fixture
def tamper(filled, path):
    def change(*statements):
        with duckdb.connect(str(path)) as outside:
            for statement in statements:
                outside.execute(statement)
        return [(finding.run_id, finding.what) for finding in filled.verify()]

    return change


def heads(history):
    return history.sql("SELECT run_id, what FROM heads ORDER BY number").fetchall()


def test_a_run_that_is_deleted_from_all_tables_is_named(tamper):
    ((run, what),) = tamper(*WHOLE)

    assert run == RUN
    assert what.startswith("the whole run is gone, and nobody pruned it: it was here (ended) on ")


def test_a_run_that_never_ended_is_named_too(history, a_run, path):
    for record in a_run(RUN)[:-1]:
        history.append(record)
    history.flush()
    with duckdb.connect(str(path)) as outside:
        for statement in WHOLE:
            outside.execute(statement)

    ((run, what),) = [(finding.run_id, finding.what) for finding in history.verify(RUN)]
    assert run == RUN
    assert "it was here (began)" in what


def test_a_run_whose_end_was_cut_off_with_its_row_is_named(tamper):
    found = tamper(
        "DELETE FROM events WHERE run_id LIKE '%aaaa' AND seq > 20",
        """UPDATE runs SET events = 20, tip = (SELECT hash FROM events WHERE run_id LIKE '%aaaa' AND seq = 20)
           WHERE run_id LIKE '%aaaa'""",
    )

    assert (RUN, f"it was written anew as a whole: it was here (ended) on {datetime.now(UTC):%Y-%m-%d}") in [
        (run, what.rpartition(" ")[0].rpartition(" ")[0]) for run, what in found
    ]


def test_a_run_that_nobody_of_us_wrote_is_named(tamper, path, a_run):
    with contextlib.closing(History(path.with_name("other.duckdb"))) as other:
        for record in a_run("theirs"):
            other.append(record)
        other.flush()
    copies = [f"INSERT INTO {table} FROM theirs.{table}" for table in TABLES]

    found = tamper(f"ATTACH '{path.with_name('other.duckdb')}' AS theirs", *copies)
    assert found == [("theirs", "it is not in the chain of runs: nobody of us put it here")]


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("DELETE FROM heads WHERE run_id LIKE '%aaaa'", "head 1 is missing"),
        ("DELETE FROM heads WHERE number = 1", "head 1 is missing"),
        ("UPDATE heads SET what = 'pruned' WHERE run_id LIKE '%aaaa'", "head 1 was edited"),
        ("UPDATE heads SET noted_at = '2020-01-01' WHERE number = 2", "head 2 was edited"),
    ],
)
def test_a_chain_of_runs_that_was_touched_is_told(tamper, statement, what):
    assert ("any", f"the chain of runs is broken: {what}") in tamper(*WHOLE, statement)


def test_pruning_and_forgetting_leave_a_mark_and_no_alarm(filled, a_run):
    for record in a_run("old"):
        filled.append(Record(record.run, record.seq, datetime(2020, 1, 1, tzinfo=UTC), record.event))
    filled.prune(timedelta(days=90), keep_verified=False)
    filled.forget(OTHER)

    assert heads(filled) == [
        (RUN, "ended"), (OTHER, "ended"), ("old", "ended"), ("old", "pruned"), (OTHER, "forgotten"),
    ]  # fmt: skip
    assert filled.verify() == []


def test_a_run_that_comes_back_is_watched_again(filled, path, tmp_path):
    filled.export(RUN, tmp_path / "run.jsonl")
    filled.prune(timedelta(days=-1), keep_verified=False)
    filled.load(tmp_path / "run.jsonl")

    assert [one for one in heads(filled) if one[0] == RUN] == [(RUN, "ended"), (RUN, "pruned"), (RUN, "ended")]
    assert filled.verify() == []
    with duckdb.connect(str(path)) as outside:
        for statement in WHOLE:
            outside.execute(statement)
    assert [finding.run_id for finding in filled.verify()] == [RUN]


def test_each_run_leaves_a_row_when_it_is_first_stored_and_at_its_end(history, a_run):
    for record in a_run(RUN):
        history.append(record)
        history.flush()

    assert heads(history) == [(RUN, "began"), (RUN, "ended")]
    assert history.verify() == []


def test_mending_adds_no_row(filled, path):
    with duckdb.connect(str(path)) as outside:
        outside.execute("UPDATE runs SET usd = 7")
    before = heads(filled)

    assert len(filled.mend()) == 2
    assert heads(filled) == before
    assert filled.verify() == []


def test_since_when_it_is_whole_is_told_and_older_runs_are_watched_from_then_on(filled, path):
    assert filled.whole_since() is not None
    filled.close()
    with duckdb.connect(str(path)) as old:  # as version 2 had it
        old.execute(TO_SCHEMA_2)

    now = History(path)
    assert now.verify() == []
    assert heads(now) == [(RUN, "found"), (OTHER, "found")]
    assert abs((datetime.now(UTC).replace(tzinfo=None) - now.whole_since()).total_seconds()) < 600
    now.close()


def test_there_is_no_beginning_where_there_is_no_run(history):
    assert history.whole_since() is None
    assert history.verify() == []


def test_many_writers_make_one_chain(writer, path, history):
    history.flush()
    processes = [writer(f"2026112{n}T000000-aaaa", 3) for n in range(4)]
    for process in processes:
        process.wait(timeout=60)

    assert history.verify() == []
    assert [number for (number,) in history.sql("SELECT number FROM heads ORDER BY number")] == list(
        range(1, len(heads(history)) + 1)
    )
    assert len({run for run, _ in heads(history)}) == 4


def test_a_backup_of_an_older_version_that_is_put_back_under_a_kernel_is_brought_up_to_date(filled, path, a_run):
    backup = path.with_name("backup")
    filled.close()
    shutil.copy(path, backup)
    with duckdb.connect(str(backup)) as old:
        old.execute(TO_SCHEMA_2)
    filled.flush()
    for record in a_run("new")[:-1]:
        filled.append(record)
    filled.flush()
    backup.replace(path)
    filled.append(a_run("new")[-1])

    assert {run for run, _ in heads(filled)} == {RUN, OTHER, "new"}
    assert filled.verify() == []
