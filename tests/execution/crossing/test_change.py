import array
import io
from collections import Counter, OrderedDict, defaultdict, deque
from dataclasses import dataclass

import numpy as np
import pandas as pd
import polars as pl
import pytest

from jupyter_loops.execution.crossing import UnreadableError
from jupyter_loops.execution.crossing.change import put_back, same


class Slotted:
    __slots__ = ("x", "y")


@dataclass
class Point:
    x: object


class Stack(list):
    pass


def slotted(**state):
    made = Slotted()
    for name, value in state.items():
        setattr(made, name, value)
    return made


PAIRS = [
    ([1, [2]], [3]),
    ({"a": 1, "b": 2}, {"b": 2, "c": [3]}),
    ({1, 2}, {3}),
    (bytearray(b"ab"), bytearray(b"cde")),
    (deque([1, 2], 5), deque([3], 5)),
    (Counter("ab"), Counter("bcc")),
    (OrderedDict(a=1, b=2), OrderedDict(b=2, a=1)),
    (defaultdict(list, a=[1]), defaultdict(int, b=2)),
    (array.array("d", [1.0]), array.array("d", [2.0, 3.0])),
    (Point(1), Point([2])),
    (Stack([1]), Stack([2, 3])),
]


@pytest.mark.parametrize(("target", "new"), PAIRS, ids=lambda value: type(value).__name__)
def test_an_object_takes_over_what_another_has(target, new):
    assert not same(target, new, lambda x, y: x == y)
    put_back(target, new)
    assert repr(target) == repr(new)
    assert same(target, new, lambda x, y: x == y)


def test_slots_are_put_back_and_taken_away():
    target = slotted(x=1, y=2)
    assert not same(target, slotted(x=1), lambda x, y: x == y)
    put_back(target, slotted(x=3))
    assert target.x == 3
    assert not hasattr(target, "y")


def test_files_take_over_text_and_position():
    for kind, old, new in ((io.StringIO, "long text", "a\nb"), (io.BytesIO, b"long text", b"ab")):
        target, other = kind(old), kind(new)
        other.seek(1)
        put_back(target, other)
        assert (target.getvalue(), target.tell()) == (new, 1)


def test_an_array_changes_in_place_only_in_its_shape():
    target = np.zeros((2, 2))
    view = target[0]
    put_back(target, np.ones((2, 2)))
    assert view.tolist() == [1.0, 1.0]
    with pytest.raises(UnreadableError, match="cannot change its shape"):
        put_back(target, np.ones(3))
    with pytest.raises(UnreadableError, match="in place"):
        put_back([1], (1,))


@pytest.mark.parametrize(
    ("target", "new"),
    [
        (pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"b": ["x"], "c": [1.5]}, index=["k"])),
        (pd.Series([1, 2], name="s"), pd.Series(["x"], index=["k"], name="t")),
        (pl.DataFrame({"a": [1, 2]}), pl.DataFrame({"b": ["x"]})),
        (pl.Series("s", [1, 2]), pl.Series("t", ["x"])),
    ],
)
def test_a_frame_takes_over_what_another_has(target, new):
    assert not same(target, new, lambda x, y: x == y)
    put_back(target, new)
    assert target.equals(new)
    assert same(target, new, lambda x, y: x == y)
    repr(target)
    if isinstance(target, pd.DataFrame):
        target["d"] = 1
        assert target.columns.tolist() == ["b", "c", "d"]
        assert target.loc["k", "b"] == "x"


NEVER = [
    ([1], [True]),
    ([0.0], [-0.0]),
    ([1, 0.0], [1, -0.0]),
    ([1], [1.0]),
    ({1}, {True}),
    ({"a": 1}, {"a": True}),
    ({"a": 1, "b": 1}, {"b": 1, "a": 1}),
    (np.zeros(2), np.array([0.0, -0.0])),
    (np.zeros(2), np.zeros(2, "f4")),
    (pd.Series([1, True], dtype=object), pd.Series([1, 1], dtype=object)),
    (pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1]}, index=["x"])),
    (Point(1), Point(True)),
]


@pytest.mark.parametrize(("value", "twin"), NEVER, ids=lambda value: type(value).__name__)
def test_what_is_equal_need_not_be_the_same(value, twin):
    assert not same(value, twin, lambda x, y: x == y)


ALWAYS = [
    [float("nan"), 1, "a"],
    {"a": float("nan")},
    np.array([np.nan]),
    pd.DataFrame({"a": [np.nan, 1]}),
    {1, 2, "a"},
]


@pytest.mark.parametrize("value", ALWAYS, ids=lambda value: type(value).__name__)
def test_nan_is_the_same_as_itself(value):
    import copy

    assert same(value, copy.deepcopy(value), lambda x, y: x == y)


def test_objects_inside_are_compared_by_the_caller():
    inner, twin = [1], [1]
    asked = []
    assert same([inner, 2], [twin, 2], lambda x, y: not asked.append((x, y)))
    assert asked == [([1], [1])]
    assert asked[0][0] is inner
    assert not same([inner], [twin], lambda *_: False)
