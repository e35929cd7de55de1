from __future__ import annotations

import time

import pytest

from jupyter_loops.execution.child.value_text import clip, describe


@pytest.mark.parametrize(
    "value",
    [1, 1.5, "a'b", b"x", None, True, [], [1, "a"], (1,), (), {1}, set(), frozenset({1}), frozenset(), {"a": [1]}, {}],
    ids=lambda value: type(value).__name__,
)
def test_small_values_are_their_repr(value):
    assert describe(value) == repr(value)


@pytest.mark.parametrize(
    "value",
    [
        "x" * 10**8,
        list(range(10**6)),
        {n: n for n in range(10**6)},
        1 << 10**7,
        b"x" * 10**8,
        [["x" * 10**7] * 50] * 50,
    ],
    ids=lambda value: type(value).__name__,
)
def test_huge_values_are_short_and_cheap(value):
    started = time.perf_counter()
    text = describe(value)

    assert len(text) <= 300
    assert time.perf_counter() - started < 1  # to write such a value out takes many times that


def test_nested_and_recursive_values_end():
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    loop: list = []
    loop.append(loop)

    assert describe(deep) == "[[[[...]]]]"
    assert describe(loop) == "[[[[...]]]]"


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt, RecursionError, MemoryError])
def test_a_repr_that_raises_is_described(error):
    class Hostile:
        def __repr__(self):
            raise error

    assert describe(Hostile()) == f"<Hostile whose repr raised {error.__name__}>"
    assert describe([Hostile()]) == f"<list whose repr raised {error.__name__}>"


def test_arrays_and_frames_say_shape_and_types():
    import numpy as np
    import pandas as pd

    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})

    assert describe(np.zeros((1000, 1000))).startswith("ndarray, shape (1000, 1000), float64: [0.0, 0.0")
    assert describe(frame).startswith("DataFrame, 2 rows x 2 columns (a int64, b ")
    assert describe(frame.a) == "Series, shape (2,), int64: [1, 2]"
    assert describe(np.float64(1.5)) == "1.5"
    assert describe(np.bool_(False)) == "False"


@pytest.mark.parametrize("limit", [200, 300, 2000])
def test_a_key_at_a_cut_leaves_no_piece(limit):
    key = "sk-proj-" + "a1B2c3D4" * 4
    for lead in range(limit - limit // 4 - 45, limit - limit // 4):
        for text in ("." * lead + key + "." * 9999, "." * 9999 + key + "." * (limit - lead)):
            for shown in (clip(text, limit), describe(text, limit), describe(text.encode(), limit), describe([text])):
                assert "a1B2" not in shown
                assert "c3D4" not in shown
