"""How a round is asked: by measured gain for its cost, by the schedule while little is known, by a person above all."""

import random

import pytest

from jupyter_loops.core.approach import Approach, Mode, Worth
from jupyter_loops.core.budget import Price
from jupyter_loops.core.message import Completion
from jupyter_loops.engine.bandit import LEAST, Bandit
from jupyter_loops.planning.models.replay import ReplayModel

CELL = 'def double(n: int) -> int:\n    """Twice n."""\n\nassert double(2) == 4\nassert double(5) == 10\n'
RIGHT = "```python\ndef double(n):\n    return n + n\n```"
POOR, GOOD, DEAR = (
    Approach("m", Mode.REPAIR, 0.2),
    Approach("m", Mode.RESAMPLE, 1.0),
    Approach("big", Mode.REPAIR, 0.2),
)


def wrong(n):
    return f"```python\ndef double(n):\n    return {-n}\n```"


class Noting(ReplayModel):
    def __init__(self, answers, **options):
        super().__init__(answers, **options)
        self.samplings = []

    async def complete(self, prompt, sampling, on_text=None):
        self.samplings.append(sampling)
        return await super().complete(prompt, sampling, on_text)


def played(bandit, gains, costs, rounds=300, seed=3):
    """How often each arm is chosen when it gains with its own probability, at its own cost."""
    arms = [*gains]
    rng, chosen = random.Random(seed), dict.fromkeys(arms, 0)
    for _ in range(rounds):
        arm = bandit.choose(arms)
        chosen[arm] += 1
        gain = float(rng.random() < gains[arm])
        bandit.learn({arm: Worth(rounds=1, gain=gain, usd=costs[arm], tokens=100)})
    return chosen


def test_the_bandit_finds_the_arm_with_the_best_gain_for_its_cost():
    chosen = played(Bandit(1), {POOR: 0.05, GOOD: 0.4, DEAR: 0.5}, {POOR: 0.01, GOOD: 0.01, DEAR: 0.2})
    assert chosen[GOOD] > 200
    chosen = played(Bandit(1), {POOR: 0.02, GOOD: 0.03, DEAR: 0.9}, {POOR: 0.01, GOOD: 0.01, DEAR: 0.02})
    assert chosen[DEAR] > 200


def test_without_prices_tokens_are_the_cost():
    bandit = Bandit(1)
    bandit.learn({POOR: Worth(rounds=40, gain=8, tokens=40_000), GOOD: Worth(rounds=40, gain=8, tokens=4_000)})
    assert sum(bandit.choose([POOR, GOOD]) == GOOD for _ in range(100)) > 90
    assert (
        bandit.why(GOOD, bandit.measured([POOR, GOOD]))
        == "gained 20% a round for 100 tokens in 40 of 80 measured rounds"
    )


def test_equal_seeds_choose_alike():
    one, other = Bandit(7), Bandit(7)
    assert [one.choose([POOR, GOOD]) for _ in range(20)] == [other.choose([POOR, GOOD]) for _ in range(20)]


def test_while_little_is_measured_the_schedule_decides_and_says_so(start, ear):
    model = Noting([wrong(n) for n in range(1, 6)])
    start(CELL, model=model, iterations=5).wait(30)
    static = Noting([wrong(n) for n in range(1, 6)])
    start(CELL, model=static, iterations=5, adaptive=False, fresh=True).wait(30)

    assert [s.temperature for s in model.samplings] == [s.temperature for s in static.samplings]
    changes = [event for event in ear.of("request_adapted") if event.what == "approach"]
    assert (changes[0].before, changes[0].after) == ("resample at 0.2", "repair at 0.2")
    assert f"0 of {LEAST} rounds measured, so the schedule decides" in changes[0].reason
    assert [call.purpose for call in ear.of("call_started")][:3] == ["plan", "repair", "repair"]


def test_what_earlier_runs_measured_decides_and_its_state_is_sql(start, ear):
    for _ in range(3):
        start(CELL, *[wrong(n) for n in range(1, 5)], iterations=4, fresh=True).wait(30)
    model = Noting([wrong(n) for n in range(1, 7)])
    run = start(CELL, model=model, iterations=6, fresh=True, seed=5)
    run.wait(30)

    reasons = [event.reason for event in ear.of("request_adapted") if event.what == "approach"]
    assert any(reason.startswith("measured: ") for reason in reasons)
    rows = run.history.sql("SELECT model, mode, temperature, rounds, gain FROM approaches").fetchall()
    assert sum(row[3] for row in rows) == 3 * 3 + 5
    assert {row[2] for row in rows} <= {0.2, 0.6, 1.0}
    assert run.cycle.tuning.bandit.measured([*run.cycle.tuning.bandit.worth]) == 14


def test_a_resampled_round_does_not_show_the_last_candidate(start, ear):
    for seed in range(3):
        start(CELL, *[wrong(n) for n in range(1, 5)], iterations=4, fresh=True, seed=seed).wait(30)
    model = Noting([wrong(n) for n in range(11, 19)])
    start(CELL, model=model, iterations=8, fresh=True, seed=2).wait(30)

    asked = ear.of("call_started")[-8:]
    assert {call.purpose for call in asked[1:]} == {"plan", "repair"}
    for call in asked[1:]:
        text = "\n".join(message["content"] for message in call.messages)
        assert ("return -1" in text) is (call.purpose == "repair")


def test_static_asks_by_the_schedule_whatever_was_measured(start, ear):
    for _ in range(3):
        start(CELL, *[wrong(n) for n in range(1, 5)], iterations=4, fresh=True, adaptive=False).wait(30)
    ear.events.clear()
    model = Noting([wrong(n) for n in range(1, 5)])
    start(CELL, model=model, iterations=4, fresh=True, adaptive=False).wait(30)
    assert [s.temperature for s in model.samplings] == [0.2, 0.3, 0.3, 0.4]
    assert not any(event.reason.startswith("measured") for event in ear.of("request_adapted"))


def test_a_fixed_temperature_is_kept(start):
    for _ in range(3):
        start(CELL, *[wrong(n) for n in range(1, 5)], iterations=4, fresh=True, temperature=0.9).wait(30)
    model = Noting([wrong(n) for n in range(1, 7)])
    start(CELL, model=model, iterations=6, fresh=True, temperature=0.9).wait(30)
    assert {s.temperature for s in model.samplings} == {0.9}


def test_a_stuck_model_makes_room_for_the_next_of_the_ladder(start, ear):
    small = ReplayModel([wrong(n) for n in range(1, 9)], name="small", price=Price(prompt=0, completion=1e-6))
    big = ReplayModel([RIGHT], name="big", price=Price(prompt=0, completion=1e-3))
    run = start(CELL, model=small, escalation=(big,), iterations=8, usd=50)

    assert run.wait(30).reason == "verified"
    [change] = [event for event in ear.of("request_adapted") if event.what == "model"]
    assert (change.before, change.after) == ("small", "big")
    assert "2 rounds without progress" in change.reason
    last = ear.of("call_finished")[-1]
    assert last.usd == pytest.approx(last.completion_tokens * 1e-3)
    assert run.cycle.model.name == "big"


def test_an_answer_that_was_cut_may_be_longer_the_next_time(start, ear):
    cut = Completion(text="```python\ndef double(n):", prompt_tokens=9, completion_tokens=2048, finish_reason="length")
    model = Noting([cut, RIGHT])
    run = start(CELL, model=model)

    assert run.wait(30).reason == "verified"
    assert [s.max_tokens for s in model.samplings] == [2048, 4096]
    [change] = [event for event in ear.of("request_adapted") if event.what == "max_tokens"]
    assert change.reason == "the answer of round 1 was cut at 2048 tokens"


def test_a_model_that_cuts_by_itself_is_not_asked_for_more(start, ear):
    cut = Completion(text="```python\ndef double(n):", prompt_tokens=9, completion_tokens=512, finish_reason="length")
    model = Noting([cut, RIGHT])
    start(CELL, model=model).wait(30)
    assert [s.max_tokens for s in model.samplings] == [2048, 2048]


def test_an_answer_that_cannot_be_read_is_asked_for_again_with_what_was_wrong(start):
    model = ReplayModel(["I would rather not.", RIGHT])

    assert start(CELL, model=model).wait(30).reason == "verified"
    assert "no code" in model.asked[1].messages[-1].content


def test_the_answer_is_kept_raw_and_the_candidate_is_what_was_read(start, ear):
    raw = "<think>so</think>\n```text\ndef double(n):\n    return 2 * n\n\nprint(double(2))\n```"

    assert start(CELL, model=ReplayModel([raw])).wait(30).reason == "verified"
    assert [event.text for event in ear.of("call_finished")] == [raw]
    assert [event.text for event in ear.of("candidate_proposed")] == ["def double(n):\n    return 2 * n\n"]


def test_a_refusal_and_a_cut_are_told_apart_and_the_run_goes_on(start, ear):
    cut = Completion(text=f"{RIGHT[:-9]} (", prompt_tokens=9, completion_tokens=9, finish_reason="length")
    model = ReplayModel(["I cannot do that.", cut, RIGHT])

    assert start(CELL, model=model).wait(30).reason == "verified"
    assert "refuses" in model.asked[1].messages[-1].content
    assert "cut at its length limit" in model.asked[2].messages[-1].content
    assert [event.error for event in ear.of("iteration_finished")][:2] == ["refused", "truncated"]


def test_what_was_measured_is_not_asked_more_timidly_than_a_stuck_run_should_be(start, ear):
    for _ in range(3):
        start(CELL, *[wrong(n) for n in range(1, 5)], iterations=4, fresh=True).wait(30)
    ear.events.clear()
    model = Noting([wrong(1)] * 9)
    start(CELL, model=model, iterations=9, fresh=True, seed=2).wait(30)

    climbed = {event.after: event for event in ear.of("request_adapted") if event.what == "ladder"}
    assert climbed.keys() == {"tell", "fresh", "bolder", "stop"}
    ways = [event for event in ear.of("request_adapted") if event.what == "approach"]
    afresh = next(event for event in ways if event.iteration == climbed["fresh"].iteration + 1)
    assert afresh.after.startswith("resample")
    assert afresh.after.endswith(", afresh")
    assert afresh.reason == f"stuck: {climbed['fresh'].reason.partition(': ')[2]}"
    last = [call.sampling["temperature"] for call in ear.of("call_started")][-1]
    assert last >= 1.0
