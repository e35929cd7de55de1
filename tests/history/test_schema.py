"""The schema documents itself: every table and column says what it is, in the file and in the package."""

from pathlib import Path

import pytest

from jupyter_loops.errors import QueryError
from jupyter_loops.history import comments


@pytest.fixture
def full(history, a_run):
    for record in a_run():
        history.append(record)
    return history


def test_no_table_and_no_column_lacks_a_description(full):
    missing = full.sql(
        """SELECT table_name, column_name FROM duckdb_columns() WHERE database_name = 'history' AND comment IS NULL
           UNION ALL SELECT table_name, '' FROM duckdb_tables() WHERE database_name = 'history' AND comment IS NULL
           UNION ALL SELECT view_name, '' FROM duckdb_views() WHERE database_name = 'history' AND comment IS NULL"""
    )

    assert missing.fetchall() == []


def test_no_description_is_of_a_column_that_there_is_not(full):
    there = set(full.sql("SELECT table_name, column_name FROM duckdb_columns()").fetchall())
    written = {
        (table.name, column) for table in comments.described() if table.kind == "TABLE" for column in table.columns
    }

    assert written <= there


def test_the_schema_is_a_table_of_tables_each_with_a_query_to_try(full):
    rows = full.schema().dicts()

    assert {"runs", "iterations", "calls", "actions", "verdicts", "events", "texts", "notes"} <= {
        row["name"] for row in rows if row["kind"] == "table"
    }
    assert {"run_summary", "latency"} <= {row["name"] for row in rows if row["kind"] == "view"}
    assert all(row["holds"] and row["example"] for row in rows)


@pytest.mark.parametrize("table", comments.described(), ids=lambda table: table.name)
def test_every_example_runs(full, table):
    assert table.example
    values = {"run": full.run("slug")["run_id"]} if "$run" in table.example else {}

    assert full.sql(table.example, values).columns


def test_the_columns_of_one_table_are_told_with_their_types(full):
    columns = {row["name"]: row for row in full.schema("iteration_progress").dicts()}

    assert columns["progress"] == {"name": "progress", "type": "DOUBLE", "description": "0 to 1; 1 is verified"}
    assert columns["total_usd"]["description"] == "US dollars up to this round"
    with pytest.raises(QueryError, match="no table nothing"):
        full.schema("nothing")


def test_descriptions_survive_compaction(full):
    full.prune(__import__("datetime").timedelta(days=-1), keep_verified=False)

    assert full.schema("runs").dicts()[0]["description"] == "sorts by start"


def test_the_picture_of_the_documentation_is_of_this_schema():
    from jupyter_loops.history.diagram import mermaid

    assert mermaid() in (Path(__file__).parents[2] / "jupyter_loops" / "docs" / "schema.md").read_text(encoding="utf-8")
