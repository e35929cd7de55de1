"""A generator of random numbers is moved on along its own sequence, or not at all."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from jupyter_loops.execution.crossing.generators import move_on, state_of
from jupyter_loops.execution.crossing.refusal import UnreadableError

np = pytest.importorskip("numpy")
MADE: dict[str, tuple[Callable[[int], Any], Callable[[Any, int], object]]] = {
    "random": (random.Random, lambda rng, n: [rng.random() for _ in range(n)]),
    "RandomState": (np.random.RandomState, lambda rng, n: rng.rand(n)),
    "PCG64": (np.random.default_rng, lambda rng, n: (rng.normal(size=n), rng.integers(9, size=3, dtype=np.int32))),
    "MT19937": (lambda seed: np.random.Generator(np.random.MT19937(seed)), lambda rng, n: rng.random(n)),
}


@pytest.mark.parametrize("n", [0, 1, 311, 312, 313, 100_001])
@pytest.mark.parametrize("name", MADE)
def test_it_comes_to_where_its_copy_is(name, n):
    make, draw = MADE[name]
    copy, mine = make(3), make(3)
    draw(copy, n)
    move_on(mine, state_of(copy))

    assert state_of(mine) == state_of(copy)
    draw(mine, 5)
    draw(copy, 5)
    assert state_of(mine) == state_of(copy)


@pytest.mark.parametrize("name", MADE)
def test_it_goes_nowhere_else(name):
    make, draw = MADE[name]
    mine, other = make(3), make(4)
    draw(mine, 50)
    before = state_of(mine)
    for told in (state_of(make(3)), state_of(other), (*before[:2], -1, None), (name, 0, 0, 0), None, ("x",), 5):
        with pytest.raises(UnreadableError):
            move_on(mine, told)
        assert state_of(mine) == before


def test_one_that_cannot_be_followed_has_no_state():
    generator = np.random.Generator(np.random.Philox(1))

    assert state_of(generator) is None
    with pytest.raises(UnreadableError):
        move_on(generator, None)
