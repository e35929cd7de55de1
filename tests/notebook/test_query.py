import pytest

from jupyter_loops.errors import OptionError
from jupyter_loops.notebook.sql_line import read_query


@pytest.mark.parametrize(
    ("text", "name", "options", "sql"),
    [
        ("SELECT 1", "", {}, "SELECT 1"),
        ("--to df SELECT 1", "", {"to": "df"}, "SELECT 1"),
        ("--limit=5 it << SELECT 1", "it", {"limit": 5}, "SELECT 1"),
        ("--write --to rows\nDELETE FROM runs", "", {"write": True, "to": "rows"}, "DELETE FROM runs"),
        ("it <<\nSELECT '<<'", "it", {}, "SELECT '<<'"),
        ("-- a comment\nSELECT 1", "", {}, "-- a comment\nSELECT 1"),
        ("SELECT '{x}' -- why", "", {}, "SELECT '{x}' -- why"),
        ("SELECT '--chart' -- see --chart", "", {}, "SELECT '--chart' -- see --chart"),
        ("SELECT 1 --charted", "", {}, "SELECT 1 --charted"),
    ],
)
def test_options_and_a_name_stand_before_the_sql(text, name, options, sql):
    query = read_query(text)
    assert (query.name, query.options, query.sql) == (name, options, sql)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there is no SQL"),
        ("it <<", "there is no SQL"),
        ("--tow df SELECT 1", "unknown option --tow; did you mean --to?"),
        ("--to excel SELECT 1", "--to got 'excel', expected df or arrow or rel or rows or chart"),
        ("--limit 0 SELECT 1", "--limit got '0'"),
        ("--chart pie SELECT 1", "--chart got 'pie', expected line or bar"),
        ("SELECT 1 AS a --chart bar", "--chart stands behind the query"),
        ("SELECT 'it''s' --limit=5", "--limit stands behind the query"),
        ("--to df --x a SELECT 1", "--chart, --x, --y and --color draw a chart, and --to df"),
    ],
)
def test_a_mistake_is_told(text, said):
    with pytest.raises(OptionError) as caught:
        read_query(text)
    assert str(caught.value).startswith(said)
