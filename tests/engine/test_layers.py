"""Every layer has its rows, with its time, in the order of cost; the first that fails is the last."""

from __future__ import annotations

import json

import pytest

from jupyter_loops.history import open_history
from jupyter_loops.planning.models.replay import ReplayModel

CELL = """'Choose a number.'
n: int
assert n > 1
assert judge(n, "Is it lucky?") > 0.5
maximize(n)
assert approve(n)
with hidden:
    assert n % 2
"""
ORDER = ["parse", "schema", "checks", "metrics", "hidden", "judge", "approval"]


def rows(tmp_path):
    query = "SELECT layer, passed, seconds, check_name, message FROM verdicts ORDER BY seq, position"
    return open_history(str(tmp_path / "history.duckdb")).sql(query).fetchall()


def test_each_layer_is_a_row_with_its_seconds_in_the_order_of_cost(start, tmp_path):
    judge = ReplayModel([json.dumps({"reason": "yes", "score": 1.0})], name="judge")
    run = start(CELL, '{"n": 7}', judge=judge, auto_approve=True, iterations=1)
    run.wait(30)

    told = rows(tmp_path)
    assert [layer for layer, *_ in told] == ORDER
    assert all(passed and seconds > 0 for _, passed, seconds, *_ in told)


@pytest.mark.parametrize(("answer", "last"), [('{"n": "x"}', "schema"), ('{"n": 1}', "checks"), ('{"n": 8}', "hidden")])
def test_the_first_layer_that_fails_is_the_last(start, tmp_path, answer, last):
    run = start(CELL, answer, judge=ReplayModel([], name="judge"), auto_approve=True, iterations=1)
    run.wait(30)

    told = rows(tmp_path)
    assert [layer for layer, *_ in told] == ORDER[: ORDER.index(last) + 1]
    assert [passed for _, passed, *_ in told] == [True] * (len(told) - 1) + [False]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Y = 1 / 0\ndef f(x): return Y", "ZeroDivisionError: division by zero (line 1: Y = 1 / 0)"),
        ("Y = sum(iter(int, 1))\ndef f(x): return Y", "it ran longer than the time limit"),
    ],
)
def test_code_that_does_not_run_fails_the_schema_layer(start, tmp_path, text, message):
    run = start('def f(x): "One more."\nassert f(1) == 2', f"```python\n{text}\n```", iterations=1, timeout=0.3)
    run.wait(30)

    layer, passed, seconds, name, said = rows(tmp_path)[-1]
    assert (layer, passed, name) == ("schema", False, "the code runs, and its targets have their types")
    assert said.startswith(message)
    assert seconds > 0


def test_a_score_is_measured_when_the_checks_have_passed(start, ear):
    run = start("'Choose.'\nn: int\nassert n > 1\nmaximize(n)", '{"n": 1}', '{"n": 3}', '{"n": 2}', iterations=3)
    run.wait(30)

    assert [event.score for event in ear.of("iteration_finished")] == [None, 3.0, 2.0]
    assert run.values == {"n": 3}
