"""Where two values part, in the words of a failing check."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from jupyter_loops.execution.child.value_text import describe
from jupyter_loops.verification.difference import difference


def said(value, expected):
    return difference(value, expected, describe)


def frame(**columns):
    return pd.DataFrame({"n": [1, 2, 3], "price": [1.5, 2.5, 3.5]} | columns)


LONG = "The quick brown fox jumps over the lazy dog, and then over another one."
NESTED = {"rows": [{"id": 1, "tags": ["a", "b"]}, {"id": 2, "tags": ["c"]}], "total": 2}


@pytest.mark.parametrize(
    ("value", "expected", "words"),
    [
        (LONG.replace("lazy", "lame"), LONG, "; first difference at 37: 'ver the lame dog, and then ove' instead of"),
        (LONG[:-4], LONG, "; first difference at 67: 'r another ' instead of 'r another one.'"),
        ("short", "other", ""),
        (LONG, LONG, ""),
    ],
)
def test_long_texts_part_at_their_first_difference(value, expected, words):
    assert said(value, expected).startswith(words)
    assert bool(said(value, expected)) is bool(words)


def test_texts_of_several_lines_are_compared_line_by_line_and_only_a_few_of_these_shown():
    wanted = [f"line number {n} of a long text" for n in range(30)]
    given = [line.replace("long", "short") if n % 3 == 0 else line for n, line in enumerate(wanted)]

    told = said("\n".join(given), "\n".join(wanted))

    assert (
        "by lines (- expected, + given):\n  - line number 0 of a long text\n  + line number 0 of a short text" in told
    )
    assert told.endswith("… 14 more lines differ")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda v: v["rows"][0]["tags"].append("z"), "; at ['rows'][0]['tags']: 3 items instead of 2"),
        (lambda v: v["rows"][1].update(id=3), "; at ['rows'][1]['id']: 3 instead of 2"),
        (lambda v: v.pop("total"), "; lacks 'total'"),
        (lambda v: v.update(more=1), "; has besides 'more'"),
        (lambda v: v["rows"].pop(), "; at ['rows']: 1 items instead of 2"),
        (lambda v: v.update(total=2.5), "; at ['total']: 2.5 instead of 2"),
        (lambda v: v["rows"].__setitem__(0, None), "; at ['rows'][0]: None instead of {'id': 1, 'tags': ['a', 'b']}"),
    ],
)
def test_nested_data_names_the_place(change, words):
    value = {"rows": [dict(row, tags=[*row["tags"]]) for row in NESTED["rows"]], "total": 2}
    change(value)
    assert said(value, NESTED) == words


def test_of_many_places_three_are_named():
    assert said(list(range(100)), list(range(1, 101))).count("instead of") == 3


def test_sets_and_tuples_are_data_too():
    assert said({1, 2, 9}, {1, 2, 3}) == "; lacks 3; has besides 9"
    assert said((1, (2, 3)), (1, (2, 4))) == "; at [1][1]: 3 instead of 4"


@pytest.mark.parametrize(
    ("value", "expected", "words"),
    [
        (np.arange(6), np.arange(6).reshape(2, 3), "; shape (6,) instead of (2, 3)"),
        (np.array([1, 2, 9, 9]), np.array([1, 2, 3, 4]), "; 2 of 4 values differ, first at [2]: "),
        (np.array([1.0, np.nan]), np.array([1.0, np.nan]), ""),
        (np.eye(3), np.zeros((3, 3)), "; 3 of 9 values differ, first at [0, 0]: "),
        (frame(), frame(n=[1, 2, 4]), "; 1 of 6 values differ, first at [2, 0]: "),
        (frame(), frame()[["n"]], "; shape (3, 2) instead of (3, 1)"),
        (frame(price=[1.5, None, 3.5]), frame(price=[1.5, None, 3.5]), ""),
        (frame(price=[1.5, None, 3.5]), frame(), "; 1 of 6 values differ, first at [1, 1]: "),
        (frame()["n"], pd.Series([1, 2, 4]), "; 1 of 3 values differ, first at [2]: "),
        (pd.Series(["a", None]), pd.Series(["a", "b"]), "; 1 of 2 values differ, first at [1]: "),
        (frame(), frame().rename(columns={"n": "m"}), "; columns ['n', 'price'] instead of ['m', 'price']"),
        (frame().iloc[::-1], frame(), "; index [2, 1, 0] instead of [0, 1, 2]"),
        ({"t": frame()}, {"t": frame(n=[1, 2, 4])}, "; at ['t']: 1 of 6 values differ, first at [2, 0]: "),
        ([np.eye(2), 1], [np.eye(2), 2], "; at [1]: 1 instead of 2"),
        ([np.eye(2)], [np.zeros((2, 2))], "; at [0]: 2 of 4 values differ, first at [0, 0]: "),
    ],
)
def test_arrays_and_frames_name_their_shapes_or_the_first_cell(value, expected, words):
    told = said(value, expected)
    assert told.startswith(words)
    assert bool(told) is bool(words)


class Hostile(list):
    def __eq__(self, other):
        raise RuntimeError

    __hash__ = None


@pytest.mark.parametrize("value", [Hostile([1]), [Hostile([1])], {"a": Hostile([1])}, object(), 1, None])
def test_what_cannot_be_compared_is_left_out(value):
    assert "RuntimeError" not in said(value, [1])


def loop(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


def test_it_ends_for_what_is_deep_or_long():
    assert "instead of" in said(loop(50), loop(49))
    assert said([0] * 10_000 + [1], [0] * 10_000 + [2]) in {"", "; at [10000]: 1 instead of 2"}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (frame(), ["DataFrame, 3 rows x 2 columns", "n int64", "price float64"]),
        (frame()["n"], ["Series, shape (3,), int64"]),
        (np.zeros((200, 50)), ["ndarray, shape (200, 50), float64"]),
    ],
)
def test_frames_and_arrays_are_told_with_shape_and_dtype(value, words):
    told = describe(value)
    assert len(told) <= 600
    for each in words:
        assert each in told, told
