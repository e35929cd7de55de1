"""The forecast: its arithmetic against closed forms, and its place in a run."""

import itertools
import math
import random
from dataclasses import replace

import pytest

from jupyter_loops.core.budget import Budget, Price, Usage
from jupyter_loops.core.forecast import Forecast, RunOutcome, StopIf
from jupyter_loops.engine.forecaster import Forecaster
from jupyter_loops.errors import OptionError

CELL = 'def double(n: int) -> int:\n    """Twice n."""\n\nassert double(2) == 4\nassert double(5) == 10\n'
RIGHT = "```python\ndef double(n):\n    return n + n\n```"


def wrong(n):
    return f"```python\ndef double(n):\n    return {-n}\n```"


def runs(hazard, many, most=10, seed=1):
    rng = random.Random(seed)
    for _ in range(many):
        rounds = next((n for n in range(1, most + 1) if rng.random() < hazard), None)
        yield RunOutcome(rounds=rounds or most, verified=rounds is not None, tokens=1000.0 * (rounds or most), usd=0.01)


@pytest.mark.parametrize("hazard", [0.05, 0.3, 0.7])
def test_the_curve_goes_to_the_known_hazard(hazard):
    curve = Forecaster(runs(hazard, 150)).curve(0, 8)
    for n, p in enumerate(curve, 1):
        assert p == pytest.approx(1 - (1 - hazard) ** n, abs=0.08)


def test_the_curve_rises_and_each_failed_round_lowers_it():
    known = Forecaster([*runs(0.9, 20), *runs(0.02, 20)])  # some runs are easy, some hopeless
    curve = known.curve(0, 20)
    assert all(0 < one < other < 1 for one, other in itertools.pairwise(curve))
    nexts = [known.curve(failed, 1)[0] for failed in range(10)]
    assert nexts == sorted(nexts, reverse=True)
    assert nexts[0] > 0.35
    assert nexts[9] < 0.1


def test_a_chain_of_rounds_is_one_curve():
    """P(by n + k) must not depend on where it is asked from."""
    known = Forecaster(runs(0.3, 30))
    whole = known.curve(0, 6)
    after = known.curve(2, 4)
    assert whole[5] == pytest.approx(whole[1] + (1 - whole[1]) * after[3], rel=1e-9)


def test_without_a_past_one_round_in_four_is_expected():
    assert Forecaster().curve(0, 1)[0] == pytest.approx(0.25, abs=0.03)


def test_costs_are_those_of_a_round_times_the_rounds_to_come():
    known = Forecaster(runs(0.5, 100))
    seen = known.after(Usage(usd=0.04, tokens=4000, iterations=4), Budget(iterations=10))
    assert seen.by_round == 10
    assert seen.expected_rounds == pytest.approx(1 + sum(1 - p for p in seen.curve[:-1]))
    assert seen.expected_tokens == pytest.approx(seen.expected_rounds * 1000, rel=0.01)
    assert seen.usd_to_goal == pytest.approx(seen.expected_usd / seen.p)
    assert seen.gain_per_usd == pytest.approx(seen.next_p / (seen.expected_usd / seen.expected_rounds))
    assert seen.usd_range[0] <= seen.expected_usd <= seen.usd_range[1] * 1.2


def test_money_that_is_left_bounds_the_rounds():
    seen = Forecaster().after(Usage(usd=0.3, tokens=300, iterations=3), Budget(usd=0.52, iterations=10))
    assert seen.by_round == 5
    assert Forecaster().after(Usage(usd=0.5, iterations=1), Budget(usd=0.5)).p == 0


def test_an_unknown_price_is_not_nothing():
    seen = Forecaster(runs(0.5, 9)).after(Usage(iterations=1, tokens=10), Budget(), priced=False)
    assert (seen.expected_usd, seen.usd_to_goal, seen.gain_per_usd) == (None, None, None)


@pytest.mark.parametrize(
    ("rule", "holds"),
    [("p < 0.5", True), ("p < 0.05", False), ("0.1 < p <= 0.2 and round >= 3", True), ("p > 1 or next_p < 0.1", True),
     ("usd_to_goal > 3", True), ("gain_per_usd > 0", False), ("gain_per_usd <= 0", False)],
)  # fmt: skip
def test_rules_over_the_forecast(rule, holds):
    seen = Forecast(round=3, by_round=10, p=0.2, next_p=0.05, usd_to_goal=5.0)
    assert StopIf(rule).holds(seen) is holds


@pytest.mark.parametrize(
    "text",
    ["", "p", "p <", "p == 0.1", "q < 1", "p < True", "p < 'a'", "__import__('os').system('x') < 1", "p.real < 1",
     "not p < 1", "p < 1; p", "(lambda: 1)() < 2", "p < [1][0]", "p < 1 if p else 2", "p < " + "(" * 500],
)  # fmt: skip
def test_a_rule_is_read_and_never_run(text, start):
    with pytest.raises(ValueError, match=r"comparison|numbers"):
        StopIf(text)
    with pytest.raises(OptionError, match="--stop-if got"):
        start(CELL, RIGHT, stop_if=text)


def test_each_round_forecasts_and_the_history_has_it(start, ear):
    run = start(CELL, wrong(1), wrong(2), RIGHT, price=Price(prompt=1e-6, completion=1e-6))
    assert run.wait(30).reason == "verified"

    seen = [event.forecast for event in ear.of("iteration_finished")]
    assert [one.get("round") for one in seen] == [1, 2, None]
    assert seen[0]["p"] > seen[1]["p"] > 0
    assert run.forecast.round == 2
    assert ear.of("run_started")[0].forecast["runs"] == 0
    rows = run.history.sql("SELECT (forecast->>'p')::DOUBLE FROM iterations ORDER BY iteration").fetchall()
    assert rows == [(seen[0]["p"],), (seen[1]["p"],), (None,)]


def test_a_run_learns_from_those_before_it(start, ear):
    for _ in range(4):
        start(CELL, RIGHT, fresh=True).wait(30)
    run = start(CELL, wrong(1), RIGHT, fresh=True)
    run.wait(30)
    assert [event.forecast["runs"] for event in ear.of("run_started")] == [0, 1, 2, 3, 4]
    first = [event.forecast["next_p"] for event in ear.of("run_started")]
    assert first == sorted(first)
    assert first[-1] > 2 * first[0]


def test_stop_if_ends_a_run_that_is_not_worth_it(start, ear):
    run = start(CELL, *[wrong(n) for n in range(1, 9)], iterations=8, stop_if="next_p < 0.18")
    end = run.wait(30)

    assert end.reason == "forecast"
    assert end.message.startswith("--stop-if next_p < 0.18: p = ")
    assert 1 <= run.usage.iterations < 8
    assert run.history.run(run.id)["stop_reason"] == "forecast"


def test_a_loop_that_cannot_verify_has_no_forecast(start, ear):
    run = start('"""A big number."""\nn: int\nmaximize(n)\n', '{"n": 3}', iterations=1)
    run.wait(30)
    assert run.forecast is None
    assert ear.of("iteration_finished")[0].forecast == {}


def test_a_forecast_is_plain_json():
    import json

    seen = Forecaster(runs(0.3, 5)).after(Usage(iterations=2, usd=0.1, tokens=10), Budget())
    assert json.loads(json.dumps(seen.to_json()))["round"] == 2
    assert not math.isnan(seen.p)
    assert "to verify by round 10" in str(seen)


def of_others(outcomes):
    return [replace(one, weight=0.2) for one in outcomes]


def test_runs_of_other_loops_say_how_loops_differ_and_not_how_this_one_is():
    others = of_others([*runs(0.9, 40), *runs(0.05, 40)])
    unknown, easy = Forecaster(others), Forecaster([*others, *runs(0.9, 4)])

    assert 0.3 < unknown.curve(0, 1)[0] < 0.6
    assert easy.curve(0, 1)[0] > 0.75
    assert unknown.curve(3, 1)[0] < 0.25  # it is one of the hard ones
    assert easy.curve(1, 1)[0] > 0.6  # that was bad luck


def test_runs_of_one_loop_are_alike_until_they_are_seen_not_to_be():
    alike = Forecaster(runs(0.3, 30))
    mixed = Forecaster([*runs(0.9, 15), *runs(0.01, 15)])

    assert alike.curve(6, 1)[0] > 0.2
    assert mixed.curve(6, 1)[0] < 0.12
