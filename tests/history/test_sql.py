import datetime as dt
import enum
import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from uuid import UUID

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest

from jupyter_loops.errors import QueryError
from jupyter_loops.history import parameters


@pytest.fixture
def full(history, a_run):
    for record in a_run():
        history.append(record)
    return history


def test_a_parameter_is_a_value_and_never_part_of_the_statement(full):
    hostile = "slug' OR 1=1; DROP TABLE runs; --"

    assert full.sql("SELECT $x", {"x": hostile}).fetchall() == [(hostile,)]
    assert len(full.sql("FROM runs WHERE loop = $x", {"x": hostile})) == 0
    assert len(full.sql("FROM runs")) == 1


def test_a_missing_parameter_is_named(full):
    with pytest.raises(QueryError, match=r"no value for \$name"):
        full.sql("FROM runs WHERE loop = $name")


def test_the_parameters_of_a_query_are_known_before_it_runs():
    assert parameters("SELECT $a + $b, '$c'") == {"a", "b"}


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM runs", "UPDATE runs SET usd = 0", "INSERT INTO texts VALUES ('a', 'b')", "DROP TABLE runs",
        "CREATE TABLE x (i INT)", "ALTER TABLE runs ADD COLUMN x INT", "EXPLAIN ANALYZE DELETE FROM runs",
        "COPY runs TO 'out.csv'", "ATTACH 'other.duckdb'", "DETACH history", "SET threads = 1", "INSTALL httpfs",
        "PRAGMA enable_profiling", "CHECKPOINT", "BEGIN", "SELECT 1; DELETE FROM runs", "EXPORT DATABASE 'x'",
        "FROM read_text('/etc/hostname')", "FROM read_csv('/etc/passwd')", "FROM glob('/*')",
    ],
)  # fmt: skip
def test_a_query_changes_nothing_and_reaches_no_other_file(full, statement, path):
    full.flush()
    before = path.read_bytes()

    with pytest.raises(QueryError):
        full.sql(statement)

    full.close()
    assert path.read_bytes() == before
    assert len(full.sql("FROM events")) > 20


@pytest.mark.parametrize("statement", ["ATTACH 'other.duckdb'", "COPY runs TO 'out.csv'", "COMMIT", "SET threads = 1"])
def test_even_a_writing_query_reaches_no_other_file(full, statement):
    with pytest.raises(QueryError, match="not possible here"):
        full.sql(statement, write=True)


def test_a_writing_query_writes(full):
    full.sql("UPDATE runs SET goal = $goal", {"goal": "another"}, write=True)

    assert full.run("slug")["goal"] == "another"


def test_a_writing_query_that_fails_leaves_everything_as_it_was(full):
    with pytest.raises(QueryError):
        full.sql("DELETE FROM events; SELECT error('no')", write=True)

    assert len(full.sql("FROM events")) > 20


def test_a_mistake_is_shown_with_a_caret_under_the_text_as_it_was_written(full):
    with pytest.raises(QueryError) as caught:
        full.sql("SELECT loop, nope\nFROM runs")

    lines = str(caught.value).splitlines()
    (at,) = [place for place, line in enumerate(lines) if line.startswith("LINE 1:")]
    assert lines[at] == "LINE 1: SELECT loop, nope"
    assert lines[at + 1].index("^") == lines[at].index("nope")


def test_a_syntax_error_and_an_empty_text_are_query_errors(full):
    with pytest.raises(QueryError, match="syntax error"):
        full.sql("SELEC 1")
    with pytest.raises(QueryError, match="no SQL statement"):
        full.sql("  -- nothing\n")


def test_a_result_outlives_the_lease_and_can_be_read_again(full):
    result = full.sql("SELECT iteration, progress FROM iterations ORDER BY iteration")
    full.sql("SELECT 1")

    assert result.fetchall() == result.rows == [(1, 0.0), (2, 1.0)]
    assert result.columns == ["iteration", "progress"]
    assert result.types == ["INTEGER", "DOUBLE"]
    assert result.dicts()[1] == {"iteration": 2, "progress": 1.0}
    assert list(result.df()["progress"]) == [0.0, 1.0]
    assert result.arrow().column("iteration").to_pylist() == [1, 2]


def test_a_data_frame_of_the_notebook_joins_the_history(full):
    labels = pd.DataFrame({"iteration": [2], "label": ["good"]})
    result = full.sql("SELECT label FROM iterations JOIN labels USING (iteration)", frames={"labels": labels})

    assert result.fetchall() == [("good",)]


def test_a_data_frame_cannot_hide_a_table_of_the_history(full):
    for name in ("runs", "Runs"):
        found = full.sql(f"SELECT count(*) FROM {name}", frames={name: pd.DataFrame({"i": [1, 2, 3]})})
        assert found.fetchall() == [(1,)]
        assert repr(found).endswith(f"1 row; {name} is the history's table, and not your frame {name}")


class Colour(enum.Enum):
    RED = 1


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (np.int64(1), 1),
        (np.float32(0.5), 0.5),
        (np.bool_(1), True),
        (np.array(3), 3),
        (np.array([1, 2]), [1, 2]),
        (np.datetime64("2026-01-02T03:04:05.123456789"), dt.datetime(2026, 1, 2, 3, 4, 5, 123456)),  # noqa: DTZ001
        (np.datetime64("NaT"), None),
        (np.timedelta64(1, "h"), dt.timedelta(hours=1)),
        (pd.Timestamp("2026-01-02 03:00", tz="Europe/Berlin"), dt.datetime(2026, 1, 2, 2)),  # noqa: DTZ001
        (pd.NaT, None),
        (pd.Series([1, 2]), [1, 2]),
        (pl.Series(["a"]), ["a"]),
        (dt.datetime(2026, 1, 2, tzinfo=dt.UTC), dt.datetime(2026, 1, 2)),  # noqa: DTZ001
        (dt.date(2026, 1, 2), dt.date(2026, 1, 2)),
        (Decimal("1.50"), Decimal("1.50")),
        (Fraction(1, 2), 0.5),
        (UUID(int=1), UUID(int=1)),
        (Path("a") / "b", "a/b"),
        (Colour.RED, 1),
        ({1}, [1]),
        ([np.int64(1), Colour.RED], [1, 1]),
        ({"a": np.int64(1)}, {"a": 1}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_of_everyday_are_bound(full, value, read):
    assert full.sql("SELECT $it", {"it": value}).fetchall() == [(read,)]


@pytest.mark.parametrize(
    ("value", "said"),
    [(1j, "complex"), (object(), "object"), (pd.DataFrame(), "DataFrame, .*; a frame is a table, FROM it")],
    ids=["complex", "object", "frame"],
)
def test_what_sql_has_no_type_for_is_told(full, value, said):
    with pytest.raises(QueryError, match=rf"\$it is of type {said}"):
        full.sql("SELECT $it", {"it": value})


def test_variables_of_the_calling_frame_are_not_tables(full):
    secret = __import__("pandas").DataFrame({"i": [1]})

    with pytest.raises(QueryError, match="secret"):
        full.sql("FROM secret")
    assert len(secret) == 1


@pytest.mark.parametrize(
    "query",
    ["EXPLAIN SELECT 1", "DESCRIBE runs", "SUMMARIZE runs", "SHOW TABLES",
     "WITH a AS (SELECT 1) FROM a", "VALUES (1), (2);", "SELECT now()", "SELECT 1 AS a, 2 AS a",
     "SELECT [1], {'a': 1}"],
)  # fmt: skip
def test_whatever_reads_gives_a_result(full, query):
    result = full.sql(query)

    assert len(result) == len(result.fetchall()) > 0
    assert "<table><thead>" in result._repr_html_()


def test_a_pivot_is_a_query_where_the_database_takes_it_as_one(full):
    query = "PIVOT calls ON model USING count(*)"
    if duckdb.__version__ < "2":
        with pytest.raises(QueryError, match="PIVOT needs DuckDB 2 here"):
            full.sql(query)
    else:
        assert len(full.sql(query)) > 0


def test_several_statements_give_the_rows_of_the_last(full):
    assert full.sql("SELECT $a; SELECT $b", {"a": 1, "b": 2}).fetchall() == [(2,)]


def test_a_long_result_says_how_much_of_it_is_shown(full):
    result = full.sql("FROM range(3412)", limit=50)

    assert len(result) == 3412
    assert repr(result).splitlines()[-1] == "50 of 3\N{NARROW NO-BREAK SPACE}412 rows"
    assert "50 of 3" in result._repr_html_()
    assert result._repr_html_().count("<tr>") == 51


def test_hostile_values_are_shown_as_text(full):
    hostile = "<img src=x onerror=alert(1)></td><script>1</script>\x1b[31m\u202e"
    shown = full.sql('SELECT $x AS "<b>"', {"x": hostile})

    assert "<img" not in shown._repr_html_()
    assert "<script" not in shown._repr_html_()
    assert "<b>" not in shown._repr_html_()
    assert "\x1b" not in repr(shown)
    assert "\u202e" not in repr(shown)


def test_an_empty_result_still_has_its_columns(full):
    assert repr(full.sql("SELECT loop FROM runs WHERE false")).splitlines() == ["loop", "────", "0 rows"]


def test_a_saved_result_has_its_rows_for_sorting_and_stays_small(full):
    result = full.sql("SELECT repeat('<b>x', 100000) AS t, i, i / 3 AS x FROM range(3000) t(i)", limit=50)
    bundle = result._repr_mimebundle_()

    assert set(bundle) == {"application/vnd.jupyter-loops.table.v1+json", "text/html", "text/plain"}
    table = bundle["application/vnd.jupyter-loops.table.v1+json"]
    assert table["columns"] == ["t", "i", "x"]
    assert table["order"]["1"] == list(range(50))
    assert len(json.dumps(bundle)) < 200_000
    assert "<b>" not in bundle["text/html"]


def test_a_number_that_json_cannot_say_is_shown_and_does_not_break_the_page(full):
    bundle = full.sql("SELECT 'nan'::DOUBLE AS a, 'inf'::DOUBLE AS b, NULL::DOUBLE AS c")._repr_mimebundle_()

    table = bundle["application/vnd.jupyter-loops.table.v1+json"]
    assert table["rows"] == [["nan", "inf", None]]
    assert json.loads(json.dumps(table, allow_nan=False))["order"] == {"0": [None], "1": [None], "2": [None]}
