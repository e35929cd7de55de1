"""The digest of a value's content: the same for equal data, another one after every change in place."""

from __future__ import annotations

import copy
import datetime as dt
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_loops.execution.child.digest import content

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=10,
)


@dataclass
class Case:
    given: str
    wanted: list = field(default_factory=list)


@given(PLAIN)
def test_a_copy_has_the_same_content(value):
    assert content(value) == content(copy.deepcopy(value)) is not None


def frame():
    return pd.DataFrame(
        {
            "n": [1, 2, 3],
            "s": ["a", "b", None],
            "t": pd.date_range("2026-01-01", periods=3, tz="UTC"),
            "c": pd.Categorical(["x", "y", "x"]),
            "o": [[1], {"k": 2}, 3],
        }
    )


@pytest.mark.parametrize(
    ("make", "change"),
    [
        (lambda: [1, [2, {"a": 3}]], lambda v: v[1][1].update(a=4)),
        (lambda: {"a": {1, 2}}, lambda v: v["a"].add(3)),
        (lambda: {"a": 1, "b": 2}, lambda v: v.pop("b")),
        (lambda: [1, 2], lambda v: v.reverse()),
        (lambda: [1], lambda v: v.__setitem__(0, True)),
        (lambda: [dt.date(2026, 1, 1)], lambda v: v.__setitem__(0, dt.date(2026, 1, 2))),
        (lambda: Case("a", [1]), lambda v: v.wanted.append(2)),
        (lambda: [Case("a")], lambda v: setattr(v[0], "given", "b")),
        (lambda: np.arange(6.0).reshape(2, 3), lambda v: v.__setitem__((1, 2), 0)),
        (lambda: np.arange(6.0).reshape(2, 3).T, lambda v: v.__setitem__((1, 1), 9)),
        (lambda: np.array([[1], None], dtype=object), lambda v: v[0].append(2)),
        (lambda: np.array(["2026-01-01"], dtype="datetime64[D]"), lambda v: v.__setitem__(0, "2026-01-02")),
        (frame, lambda v: v.__setitem__("n", [1, 2, 4])),
        (frame, lambda v: v.loc.__setitem__((1, "s"), "z")),
        (frame, lambda v: v.loc.__setitem__((2, "t"), pd.Timestamp("2026-02-01", tz="UTC"))),
        (frame, lambda v: v.loc.__setitem__((1, "c"), "x")),
        (frame, lambda v: v["o"][1].update(k=3)),
        (frame, lambda v: v.drop(index=2, inplace=True)),  # noqa: PD002 - it is about changes in place
        (frame, lambda v: v.rename(columns={"n": "m"}, inplace=True)),  # noqa: PD002 - it is about changes in place
        (frame, lambda v: v.set_index("n", inplace=True)),  # noqa: PD002 - it is about changes in place
        (frame, lambda v: v.sort_values("n", ascending=False, inplace=True)),  # noqa: PD002 - it is about changes in place
        (lambda: frame()["n"], lambda v: v.__setitem__(0, 7)),
    ],
)
def test_a_change_in_place_changes_it(make, change):
    value = make()
    before = content(value)
    assert before is not None
    assert before == content(make())

    change(value)

    assert content(value) != before


@pytest.mark.parametrize("value", [print, pytest, lambda: 0, object(), (n for n in [1])])
def test_what_is_no_data_has_none(value):
    assert content(value) is None


def test_a_class_with_methods_of_its_own_is_no_data():
    @dataclass
    class Store:
        rows: list

        def add(self, row):
            self.rows.append(row)

    assert content(Store([])) is None


def test_a_value_that_contains_itself_ends():
    value = [1]
    value.append(value)
    assert content(value) is not None
