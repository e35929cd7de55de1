"""A pilot: random rows first, a projection, and a question before the money is spent."""

import random
import time

import pytest

from jupyter_loops.assemble.collaborators import Person
from jupyter_loops.core.termination import StopReason
from jupyter_loops.mapping.map_progress import Spread, success_rate

from .test_map import records


def test_a_pilot_takes_random_rows_and_goes_on_with_yes(start_map, model):
    answers = model()
    run = start_map(records(60), answers, sample=10, yes=True)

    assert run.wait(60).verified
    first = answers.asked[:10]
    assert len(set(answers.asked)) == len(answers.asked) == 60
    assert sorted(len(row) for row in first) != [len(row) for row in answers.asked[10:20]]
    assert run.projection.rows == 10
    assert run.projection.remaining == 50
    assert [row["length"] for row in run.rows] == list(range(60))


def test_the_projection_holds_what_the_rest_takes(start_map, model):
    run = start_map(records(80), model(), sample=20, yes=True)
    before = None
    run.wait(60)
    ahead = run.projection.usd_ahead
    rest = run.usage.usd - run.projection.usd * 20

    assert before is None
    assert ahead.low <= rest <= ahead.high
    assert run.projection.success.low < 1.0 == run.projection.success.mean
    assert "pilot of 20 rows: 100 % verified" in str(run.projection)
    assert "the other 60 rows" in str(run.projection)


def test_a_projection_beyond_the_cap_stops_there(start_map, model):
    answers = model()
    run = start_map(records(2000), answers, sample=10, yes=True, usd=0.02)

    end = run.wait(60)

    assert end.reason is StopReason.BUDGET_USD
    assert "of --usd is left" in end.message
    assert len(answers.asked) == 10
    assert run.progress.verified == 10


def test_where_nobody_can_be_asked_it_stops_and_says_how_to_go_on(start_map, model):
    run = start_map(records(30), model(), sample=5)

    end = run.wait(60)

    assert end.reason is StopReason.STOPPED
    assert "--yes goes on" in end.message
    assert len(run.rows) == 5


@pytest.mark.parametrize(("word", "done"), [("approve", 30), ("reject", 5)])
def test_a_person_is_asked_and_decides(start_map, model, word, done):
    run = start_map(records(30), model(), sample=5, person=Person(there=True))
    until = time.monotonic() + 30
    while run.waiting is None and time.monotonic() < until:
        time.sleep(0.01)

    assert "the other 25 rows" in run.waiting.value
    assert run.state == "wait"
    getattr(run, word)()
    run.wait(60)
    assert len(run.rows) == done


def test_a_callback_answers_in_a_persons_place(start_map, model):
    values = []

    def answer(approval):
        values.append(approval.value)
        return True

    assert start_map(records(30), model(), sample=5, person=Person(callback=answer)).wait(60).verified
    assert len(values) == 1


def test_a_stream_has_its_first_rows_as_the_pilot(start_map, model):
    answers = model()
    run = start_map((record for record in records(30)), answers, sample=5, yes=True)

    assert run.wait(60).verified
    assert run.projection.remaining is None
    assert "how many rows follow is not known" in str(run.projection)


def test_the_interval_of_a_sum_holds_the_sum_nineteen_times_out_of_twenty():
    dice, inside, times = random.Random(7), 0, 400
    for _ in range(times):
        spread = Spread()
        for _ in range(20):
            spread.add(dice.expovariate(1) + 1)
        low, _, high = spread.total_of(200)
        inside += low <= sum(dice.expovariate(1) + 1 for _ in range(200)) <= high
    assert inside / times > 0.9


def test_the_interval_of_a_share_stays_between_nothing_and_all():
    for verified, done in ((0, 0), (0, 5), (5, 5), (3, 9)):
        low, share, high = success_rate(verified, done)
        assert 0 <= low <= share <= high <= 1
    assert success_rate(5, 5).low == pytest.approx(0.5655, abs=1e-3)  # as E. B. Wilson has it
