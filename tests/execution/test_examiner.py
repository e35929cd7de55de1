"""The examiner alone, in this process: what it reports, and that it evaluates nothing twice."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from jupyter_loops.core.recipe import Check, CheckKind
from jupyter_loops.execution.child.fault import SourceLines
from jupyter_loops.execution.child.value_text import describe
from jupyter_loops.verification.check_runner import examine
from jupyter_loops.verification.program import program


def run(source: str, kind: str = "assert", prelude: str = "", line: int = 1, **names: object) -> dict:
    check = Check(name=source, kind=CheckKind(kind), source=source, prelude=prelude, line=line)
    return examine(program(check, 1), names, SourceLines(), describe)


def slugify(text: str) -> str:
    return text.strip().replace(" ", "-")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ('assert f("  a b! ") == "a-b"', """f("  a b! ") gave 'a-b!', expected 'a-b'"""),
        ('assert "a-b" == f("  a b! ")', """f("  a b! ") gave 'a-b!', expected 'a-b'"""),
        ("assert a == b", "a == b is False; a = 1, b = 2"),
        ("assert not a", "not a is False; a = 1"),
        ("assert a > b > c", "a > b > c is False; a = 1, b = 2"),
        ("assert a == 1 and b == 3", "a == 1 and b == 3 is False; a == 1 = True, a = 1, b == 3 = False, b = 2"),
        ("assert items", "items is []"),
        ("assert a == b, f'{a} is not {b}'", "1 is not 2"),
        ("assert all(n < 2 for n in [0, 1, 2, 3])", "all(n < 2 for n in [0, 1, 2, 3]) is False; n < 2 = False, n = 2"),
        ("assert (a\n  == b)", "a == b is False; a = 1, b = 2"),
        ("for n in (1, 2):\n    assert n == a", "n == a is False; n = 2, a = 1"),
        ("with open('/dev/null') as file:\n    assert file.closed", "file.closed is False"),
        ("assert 'ü' + s == 'ü'", "'ü' + s gave 'üa', expected 'ü'"),
        ("assert (lambda: 0)()", "(lambda: 0)() is 0"),
        ("assert f'{a}' == '2'", "f'{a}' gave '1', expected '2'"),
        ("assert (x := a) == 2", "(x := a) == 2 is False; a = 1"),
    ],
)
def test_a_failing_assertion_explains_itself(source, message):
    verdict = run(source, f=slugify, a=1, b=2, c=3, items=[], s="a")

    assert not verdict["passed"]
    assert verdict["message"].startswith(message)


def test_every_sub_expression_is_evaluated_once():
    calls: list[int] = []
    verdict = run("assert f(1) + f(2) * f(f(3)) < f(0)", f=lambda n: calls.append(n) or n)

    assert calls == [1, 2, 3, 3, 0]
    assert not verdict["passed"]


def test_what_short_circuits_is_not_evaluated():
    verdict = run("assert False and f(1)", f=lambda _: 1 / 0)

    assert verdict["fault"] is None
    assert not verdict["passed"]


@pytest.mark.parametrize(
    ("source", "value", "target", "direction"),
    [
        ("assert s <= 3", 2.0, 3.0, "minimize"),
        ("assert s < 1", 2.0, 1.0, "minimize"),
        ("assert s >= 0.5", 2.0, 0.5, "maximize"),
        ("assert 0.9 < s", 2.0, 0.9, "maximize"),
        ("assert -3 > s", 2.0, -3.0, "minimize"),
        ("assert s == 2", 2.0, 2.0, "equal"),
        ("assert s > t", 2.0, 5.0, "maximize"),
    ],
)
def test_a_comparison_of_two_numbers_is_a_metric(source, value, target, direction):
    assert run(source, s=2, t=5)["metric"] == {"value": value, "target": target, "direction": direction}


@pytest.mark.parametrize(
    "source",
    ["assert s != 3", "assert 1 < s < 3", "assert flag == True", "assert text == 'a'", "assert inf > 3", "assert s"],
)
def test_other_comparisons_are_none(source):
    assert run(source, s=2, flag=True, text="a", inf=float("inf"))["metric"] is None


def test_numpy_numbers_are_numbers():
    verdict = run("assert s >= 0.5", s=np.float32(0.25))

    assert verdict["metric"]["value"] == 0.25
    assert verdict["message"] == "s >= 0.5 is False; s = 0.25"


@pytest.mark.parametrize("kind", ["maximize", "minimize"])
def test_a_score_is_a_metric_without_a_target(kind):
    verdict = run(f"{kind}(f(3))", kind=kind, f=lambda n: n / 2)

    assert verdict["passed"]
    assert verdict["metric"] == {"value": 1.5, "target": None, "direction": kind}


@pytest.mark.parametrize(
    "value",
    [Decimal("1.5"), Fraction(3, 2), np.float32(1.5), np.array(1.5), np.array(Decimal("1.5"), dtype=object)],
    ids=["Decimal", "Fraction", "scalar", "array", "array_of_object"],
)
def test_numbers_of_all_kinds_are_scores_and_metrics(value):
    assert run("maximize(f(3))", kind="maximize", f=lambda _: value)["metric"]["value"] == 1.5
    assert run("assert f(3) < 1", f=lambda _: value)["metric"]["value"] == 1.5


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("10", "which is a text: give the number itself"),
        (None, "which is nothing: return a number in every case"),
        (True, "which only says yes or no: give a number that grows with quality, such as a count or a share"),
        (np.bool_(1), "which only says yes or no: give a number that grows with quality, such as a count or a share"),
        (
            np.array(True),
            "which only says yes or no: give a number that grows with quality, such as a count or a share",
        ),
        (float("nan"), "which is not a number: keep every case finite"),
        (Decimal("nan"), "which is not a number: keep every case finite"),
        (np.float64("-inf"), "which is beyond every float: keep every case finite"),
        (10**400, "which is beyond every float: keep every case finite"),
        (1j, "which is complex: give its real part or its size, abs(...)"),
        (np.array(1j), "which is complex: give its real part or its size, abs(...)"),
        (np.array([1.0]), "an array of shape (1,): one number is needed, such as its mean or sum"),
        ([1.0], "which is no number: give an int or a float"),
    ],
    ids=str,
)
def test_a_score_that_is_no_number_is_refused_with_what_to_give(value, said):
    verdict = run("maximize(f(3))", kind="maximize", f=lambda _: value)

    assert not verdict["passed"]
    assert verdict["metric"] is None
    assert verdict["message"].startswith("maximize needs a number: f(3) gave ")
    assert verdict["message"].endswith(said)


def test_a_bool_of_numpy_decides_a_check():
    assert run("assert f(3)", f=lambda _: np.bool_(1))["passed"]
    assert not run("assert f(3)", f=lambda _: np.bool_(0))["passed"]


@pytest.mark.parametrize(
    "error", [ValueError, SystemExit, KeyboardInterrupt, RecursionError, MemoryError, GeneratorExit]
)
def test_whatever_is_raised_fails_the_check_only(error):
    def f(_):
        raise error("no")

    verdict = run("assert f(1)", f=f, line=7)

    assert not verdict["passed"]
    assert verdict["fault"]["type"] == error.__name__
    assert [(frame["where"], frame["line"], frame["text"]) for frame in verdict["fault"]["frames"]] == [
        ("check", 7, "assert f(1)")
    ]


def test_an_assertion_inside_the_candidate_is_a_fault_and_not_a_verdict_on_the_value():
    def f(_):
        raise AssertionError("inside")

    verdict = run("assert f(1)", f=f)

    assert verdict["message"] == "AssertionError: inside"
    assert verdict["fault"]["type"] == "AssertionError"


def test_a_check_may_expect_an_exception():
    source = "try:\n    f(1)\nexcept ZeroDivisionError:\n    pass\nelse:\n    assert False, 'no error'"

    assert run(source, f=lambda n: n / 0)["passed"]
    assert run(source, f=lambda n: n)["message"] == "no error"


class Hostile:
    def __eq__(self, other):
        return self

    def __bool__(self):
        raise SystemExit

    def __repr__(self):
        raise KeyboardInterrupt

    __hash__ = None


@pytest.mark.parametrize("source", ["assert h == 1", "assert [h] == [2]", "assert not h", "assert h, h", "maximize(h)"])
def test_hostile_values_do_not_break_it(source):
    verdict = run(source, kind="maximize" if source.startswith("max") else "assert", h=Hostile())

    assert not verdict["passed"]
    assert verdict["message"]


def test_long_strings_get_their_first_difference_pointed_out():
    verdict = run("assert s == '" + "a" * 100 + "'", s="a" * 50 + "b" + "a" * 49)

    assert "first difference at 50" in verdict["message"]


def test_values_are_clipped_and_code_is_left_out():
    import math

    verdict = run("assert math.floor(len(big)) == f(3)", math=math, big="x" * 100_000, f=abs)

    assert set(verdict["values"]) == {
        "math.floor(len(big)) == f(3)", "math.floor(len(big))", "len(big)", "big", "f(3)",
    }  # fmt: skip
    assert all(len(value) <= 300 for value in verdict["values"].values())


def test_a_long_message_of_the_checks_own_is_clipped():
    assert len(run("assert False, 'x' * 100_000")["message"]) < 2100


def test_the_prelude_runs_first_and_leaves_its_names():
    assert run("assert r == 4", prelude="r = f(2)", f=lambda n: n * 2)["passed"]


def test_nothing_is_left_in_the_namespace():
    names: dict[str, object] = {}
    examine(program(Check(name="1", source="assert 1"), 1), names, SourceLines(), describe)

    assert set(names) <= {"__builtins__"}
