import datetime as dt

import pytest

from jupyter_loops.view.charts import query_chart

COLUMNS = ["model", "day", "usd"]
ROWS = [("a", dt.date(2026, 1, 1), 0.5), ("b", dt.date(2026, 1, 1), None), ("a", dt.date(2026, 1, 2), 2)]


def test_columns_are_chosen_where_none_are_named():
    assert query_chart.numbers(COLUMNS, ROWS, None, None, None) == (
        ["a", "b", "a"],
        [0.5, None, 2.0],
        None,
        ("model", "usd", ""),
    )


def test_each_value_of_the_colour_is_a_trace():
    drawn = query_chart.figure(query_chart.numbers(COLUMNS, ROWS, "day", "usd", "model"))

    assert [(trace.name, trace.type, len(trace.x)) for trace in drawn.data] == [
        ("a", "scatter", 2),
        ("b", "scatter", 1),
    ]


@pytest.mark.parametrize(("kind", "made"), [("bar", "bar"), ("box", "box"), ("area", "scatter"), (None, "bar")])
def test_the_kind_is_as_asked_and_words_make_bars(kind, made):
    drawn = query_chart.figure(query_chart.numbers(COLUMNS, ROWS, None, None, None), kind)

    assert drawn.data[0].type == made
    assert "2" in drawn._repr_mimebundle_()["text/plain"]


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        (("nope", None, None), "there is no column nope; there are model, day, usd"),
        ((None, "model", None), "a chart needs a column of numbers for --y, and model is none"),
    ],
)
def test_what_cannot_be_drawn_is_told(axes, said):
    with pytest.raises(ValueError, match=said):
        query_chart.numbers(COLUMNS, ROWS, *axes)


def test_a_query_without_numbers_and_one_without_rows_are_told_and_drawn():
    with pytest.raises(ValueError, match="column of numbers"):
        query_chart.numbers(["a"], [("x",)], None, None, None)
    assert query_chart.figure(query_chart.numbers(["a", "b"], [], None, None, None)).data


def test_hostile_text_is_text_in_every_label():
    hostile = '<a href="https://evil.example">x</a>'
    drawn = query_chart.figure(query_chart.numbers([hostile, "n"], [(hostile, 1)], hostile, "n", hostile))

    assert "<a href" not in drawn.to_json().replace("\\u003c", "<")
