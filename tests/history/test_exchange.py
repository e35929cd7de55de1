"""Tables go out as Parquet and CSV; another history's runs come in, once."""

import duckdb
import pytest

from jupyter_loops.errors import HistoryError
from jupyter_loops.history import History, comments, retention


@pytest.fixture
def other(tmp_path):
    opened = History(tmp_path / "other.duckdb")
    yield opened
    opened.close()


def fill(history, records):
    for record in records:
        history.append(record)
    history.flush()


@pytest.mark.parametrize(("kind", "read"), [("parquet", "read_parquet"), ("csv", "read_csv")])
def test_every_table_is_one_file_that_others_read(history, a_run, tmp_path, kind, read):
    fill(history, a_run())

    counted = history.export_tables(tmp_path / "out's", kind)

    tables = {table.name for table in comments.described() if table.kind == "TABLE"}
    assert {file.name for file in (tmp_path / "out's").iterdir()} == {f"{table}.{kind}" for table in tables}
    read_back = duckdb.sql(f"SELECT run_id, loop FROM {read}('{tmp_path}/out''s/runs.{kind}')").fetchall()
    assert read_back == history.sql("SELECT run_id, loop FROM runs").fetchall()
    assert counted["iterations"] == 2


def test_an_unknown_format_and_a_bad_place_are_one_line(history, tmp_path):
    with pytest.raises(HistoryError, match="parquet or csv, not as xlsx"):
        history.export_tables(tmp_path / "out", "xlsx")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(HistoryError, match="cannot be written"):
        history.export_tables(tmp_path / "file" / "out")


def test_runs_of_another_history_come_in_once(history, other, a_run):
    fill(history, a_run("20261122T000000-mine"))
    fill(other, a_run("20261122T000000-both"))
    fill(other, a_run("20261122T000000-more"))

    assert history.merge(other) == 2 * len(a_run())
    assert history.merge(other) == 0

    assert len(history.sql("FROM runs")) == 3
    assert history.rounds("20261122T000000-more") == other.rounds("20261122T000000-more")
    assert history.records("20261122T000000-more") == other.records("20261122T000000-more")
    assert history.verify() == []


def test_a_run_that_went_on_elsewhere_is_continued_and_nothing_is_twice(history, other, a_run):
    run = a_run("20261122T000000-both")
    fill(history, run[:10])
    fill(other, run)

    assert history.merge(other) == len(run) - 10
    assert other.merge(history) == 0
    assert history.sql("SELECT count(*), count(DISTINCT seq) FROM events").fetchall() == [(len(run), len(run))]
    assert history.run("slug")["stop_reason"] == "verified"
    assert history.verify() == []


def test_another_run_under_the_same_id_is_refused_and_nothing_comes_in(history, other, a_run):
    fill(history, a_run("20261122T000000-both"))
    fill(other, a_run("20261122T000000-both", goal="Something else."))
    fill(other, a_run("20261122T000000-more"))

    with pytest.raises(HistoryError, match="20261122T000000-both is there too, and is another one"):
        history.merge(other)
    assert len(history.sql("FROM runs")) == 1


def test_a_broken_chain_is_refused_and_nothing_comes_in(history, other, a_run):
    fill(other, a_run())
    other.sql("UPDATE events SET body = body || ' ' WHERE seq = 3", write=True)

    with pytest.raises(HistoryError, match=r"nothing was imported: .*event 3"):
        history.merge(other)
    assert len(history.sql("FROM runs")) == 0


def test_pruning_knows_every_table_that_belongs_to_a_run(history):
    tables = {
        table for (table,) in history.sql(
            """SELECT table_name FROM duckdb_columns() JOIN duckdb_tables() USING (table_oid, table_name)
               WHERE column_name = 'run_id'"""
        )
    }  # fmt: skip

    # In the chain of runs it stays, marked as pruned; a lesson outlives the run that it comes from.
    assert tables - {"heads", "loop_memory"} == set(retention.OF_A_RUN)
