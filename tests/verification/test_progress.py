import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_loops.core.candidate import Layer, Metric, Verdict
from jupyter_loops.language import parse
from jupyter_loops.verification.iteration_progress import closeness, progress

RECIPE = parse("'go'\nx: int\nassert x\nassert x > 1\nassert x > 2\nwith hidden:\n    assert x > 3")


def verdict(index, passed, value=None, target=10.0):
    metric = None if value is None else Metric(value=value, target=target)
    return Verdict(check=f"c{index}", layer=Layer.CHECKS, passed=passed, index=index, metric=metric)


def test_a_check_that_did_not_run_adds_nothing():
    assert progress(RECIPE, [verdict(1, True), verdict(2, True), verdict(3, True)]) == 0.75
    assert progress(RECIPE, []) == 0.0


def test_only_all_checks_make_one():
    assert progress(RECIPE, [verdict(n, True) for n in range(1, 5)]) == 1.0
    assert progress(RECIPE, [*(verdict(n, True) for n in range(1, 4)), verdict(4, False, 10.0)]) < 1.0


def test_other_layers_do_not_count():
    assert progress(RECIPE, [Verdict(check="parse", layer=Layer.PARSE, passed=True)]) == 0.0


@given(st.lists(st.booleans(), min_size=4, max_size=4), st.integers(0, 3), st.floats(), st.floats())
def test_passing_one_more_check_never_lowers_progress(passed, place, value, target):
    worse = [verdict(n, ok, value, target) for n, ok in enumerate(passed, 1)]
    better = [*worse[:place], verdict(place + 1, True, value, target), *worse[place + 1 :]]
    assert 0.0 <= progress(RECIPE, worse) <= progress(RECIPE, better) <= 1.0


@given(st.floats(-1e9, 1e9), st.floats(0, 1e9), st.floats(0, 1e9))
def test_being_nearer_to_the_target_never_lowers_closeness(target, near, far):
    near, far = sorted((near, far))
    assert closeness(Metric(value=target + near, target=target)) >= closeness(Metric(value=target + far, target=target))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_no_number_is_not_close_to_anything(value):
    assert closeness(Metric(value=value, target=1.0)) == 0.0
    assert closeness(Metric(value=1.0, target=None)) == 0.0
