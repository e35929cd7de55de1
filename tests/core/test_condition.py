"""Conditions compose, know what is left, and say why they fired."""

import pytest

from jupyter_loops.core.budget import Budget, Usage
from jupyter_loops.core.condition import Position
from jupyter_loops.core.stop_conditions import Calls, Iterations, Plateau, Score, Time, Tokens, Usd, Verified

FAR = Position(usage=Usage(usd=0.1, tokens=100, seconds=5, iterations=2, calls=3), progress=0.5, since_best=1)


def test_either_fires_with_the_reason_of_the_one_that_is_there():
    until = Verified() | Iterations(2) | Usd(5)

    end = until.fired(FAR)

    assert (end.reason, end.message) == ("iterations", "2 rounds of 2 rounds used")


def test_both_fire_together_and_say_both():
    until = Usd(0.1) & Plateau(2)

    assert until.fired(FAR) is None
    assert until.remaining(FAR) == "1 more round without progress"
    end = until.fired(Position(usage=FAR.usage, since_best=2))
    assert end.reason == "budget_usd"
    assert end.message == "$0.1 of $0.1 used and no progress for 2 rounds"


def test_and_binds_closer_than_or_and_brackets_are_kept():
    assert str(Verified() | Usd(0.5) & Plateau(3)) == "Verified() | Usd(0.5) & Plateau(3)"
    assert str((Verified() | Usd(0.5)) & Plateau(3)) == "(Verified() | Usd(0.5)) & Plateau(3)"


def test_each_knows_how_near_it_is_and_what_is_left():
    assert (Iterations(8).share(FAR), Iterations(8).remaining(FAR)) == (0.25, "6 rounds")
    assert (Tokens(1000).share(FAR), Tokens(1000).remaining(FAR)) == (0.1, "900 tokens")
    assert (Time(20).share(FAR), Time(20).remaining(FAR)) == (0.25, "15.0 s")
    assert (Calls(4).share(FAR), Calls(4).remaining(FAR)) == (0.75, "1 call")
    assert (Verified().share(FAR), Verified().remaining(FAR)) == (0.5, "all checks passed")
    assert (Iterations(8) | Calls(4)).share(FAR) == 0.75
    assert (Iterations(8) & Calls(4)).share(FAR) == 0.25
    assert (Iterations(8) | Usd(1)).remaining(FAR) == "6 rounds, or $0.9"


def test_a_score_counts_only_when_the_asserts_passed_and_in_its_own_direction():
    good = Position(usage=Usage(), score=0.91, accepted=True)

    assert Score(0.9).fired(good).reason == "verified"
    assert Score(0.9).fired(Position(usage=Usage(), score=0.91)) is None
    assert Score(0.95).fired(good) is None
    assert Score(1.0).fired(Position(usage=Usage(), score=0.91, accepted=True, maximize=False))
    assert Score(0.5).fired(Position(usage=Usage(), score=0.91, accepted=True, maximize=False)) is None


def test_nothing_is_verified_that_was_not():
    assert Verified().fired(Position(usage=Usage(), accepted=True, progress=1.0, score=9)) is None


def test_a_limit_that_stands_alone_limits_the_budget_and_one_in_an_and_does_not():
    budget = Budget(usd=1.0, tokens=None, seconds=600, iterations=10)

    capped = (Verified() | Usd(0.5) | Tokens(1000) | Iterations(20) | Time(60) & Plateau(3)).cap(budget)

    assert capped == Budget(usd=0.5, tokens=1000, seconds=600, iterations=10)


@pytest.mark.parametrize("wrong", [0, -1, float("nan"), float("inf"), True, "3", None, 1e16])
@pytest.mark.parametrize("kind", [Usd, Iterations, Plateau])
def test_a_limit_is_a_number_above_zero(kind, wrong):
    with pytest.raises(ValueError, match="needs a"):
        kind(wrong)


def test_conditions_compose_with_conditions_only():
    with pytest.raises(TypeError):
        Verified() | 3
