"""A history that any released version made is read by this one: released/make.py says how one is added."""

import gzip
from pathlib import Path

import duckdb
import pytest

from jupyter_loops.core.events import KINDS, Record
from jupyter_loops.history import History, comments

RELEASED = sorted(Path(__file__).with_name("released").glob("*.duckdb.gz"))
VIEWS = [table.name for table in comments.described() if table.kind == "VIEW"]


@pytest.fixture(params=RELEASED, ids=lambda path: path.name.removesuffix(".duckdb.gz"))
def released(request, path):
    path.write_bytes(gzip.decompress(request.param.read_bytes()))
    return path


@pytest.fixture
def opened(released):
    history = History(released)
    yield history
    history.close()


def columns(path):
    with duckdb.connect(str(path), read_only=True) as file:
        return set(file.execute("SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal").fetchall())


def test_there_is_a_history_of_a_release():
    assert RELEASED


def test_no_table_and_no_column_that_was_released_is_gone(released):
    before = columns(released)
    history = History(released)
    history.flush()
    history.close()

    assert before <= columns(released)


def test_its_run_is_what_it_was_and_its_chain_verifies(opened):
    row = opened.run("released")

    assert (row["stop_reason"], row["iterations"], row["tokens"], row["best_iteration"]) == ("verified", 2, 30, 2)
    assert [(one["iteration"], one["candidate"]) for one in opened.rounds(row["run_id"])] == [
        (1, "def f(): return 1"), (2, "def f(): return 2"),
    ]  # fmt: skip
    assert opened.verified("same question")["text"] == "def f(): return 2"
    assert opened.verify() == []


def test_its_events_have_the_names_of_today_and_the_bytes_of_then(released):
    with duckdb.connect(str(released), read_only=True) as file:
        before = file.execute("SELECT seq, body, hash FROM events ORDER BY seq").fetchall()
    history = History(released)
    after = history.sql("SELECT seq, body, hash FROM events ORDER BY seq").fetchall()
    kinds = [kind for (kind,) in history.sql("SELECT kind FROM events ORDER BY seq").fetchall()]
    records = history.records(history.run("released")["run_id"])
    history.close()

    assert after == before
    assert '"kind":"moved"' in before[1][1]
    assert kinds == [record["kind"] for record in records] == [Record.of(record).event.kind for record in records]
    assert set(kinds) <= set(KINDS)


def test_a_bundle_of_its_run_is_taken_in_by_this_version(opened, tmp_path):
    bundle = opened.export(opened.run("released")["run_id"], tmp_path / "run.jsonl")
    other = History(tmp_path / "other.duckdb")
    other.load(bundle)

    assert other.verify() == []
    rows = "SELECT iteration, passed, why, candidate_sha FROM iterations ORDER BY iteration"
    assert other.sql(rows).fetchall() == opened.sql(rows).fetchall()
    other.close()


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_answers(opened, view):
    assert opened.sql(f"FROM {view}").columns


def test_the_views_that_people_ask_first_have_its_numbers(opened):
    assert opened.sql("SELECT status FROM run_summary").fetchall() == [("verified",)]
    assert opened.sql("SELECT calls FROM cost_by_model").fetchall() == [(2,)]
    assert opened.sql("SELECT source, what, times FROM failures ORDER BY ALL").fetchall() == [
        ("check", "f() == 2", 1), ("sandbox", "ValueError", 1),
    ]  # fmt: skip


def test_it_takes_new_events(opened, a_run):
    for record in a_run("20991231T000000-new"):
        opened.append(record)

    assert len(opened.sql("FROM runs")) == 2
    assert opened.verify() == []
