import time

import pytest

import jupyter_loops
from jupyter_loops.errors import CellError
from jupyter_loops.language import parse

STUB = "'go'\ndef f(x): ...\n"


def test_seconds_times_one_call_with_its_arguments():
    calls = []

    def slow(first, *, second):
        calls.append((first, second))
        time.sleep(0.02)

    assert 0.02 <= jupyter_loops.seconds(slow, 1, second=2) < 5
    assert calls == [(1, 2)]


@pytest.mark.parametrize(
    "check",
    [
        "assert seconds(f, [1, 2]) < 0.1",
        "minimize(seconds(f, [1, 2]))",
        "maximize(1 / seconds(f, [1, 2]))",
        "for n in sizes:\n    took = seconds(f, n)\n    assert took < n",
        "def test_fast():\n    assert seconds(f, 1) < 1",
        "with raises(E):\n    seconds(f, 1)",
    ],
)
def test_seconds_belongs_in_an_assert_or_a_score(check):
    recipe = parse(STUB + check + "\nassert f(1)")
    assert "seconds" in recipe.checks[0].source
    assert "seconds" not in recipe.uses


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("took = seconds(f, 1)\nassert took < 1", "`seconds` belongs in an assert, maximize or minimize"),
        ("seconds = 3\nassert f(1)", "`seconds` is a word of the cell language"),
        ("assert f(seconds) == 1", "`seconds` takes a function and its arguments"),
        ("assert seconds() < 1", "`seconds` takes a function and its arguments"),
        ("assert seconds(f([1])) < 1", "as in `seconds(f, [1, 2])`: `f([1])` is called before it is timed"),
    ],
)
def test_seconds_elsewhere_gets_one_clear_line(text, said):
    with pytest.raises(CellError) as caught:
        parse(STUB + text)
    assert said in str(caught.value)
