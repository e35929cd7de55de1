from datetime import UTC, datetime, timedelta

import pytest


@pytest.fixture
def two(history, a_run):
    for run, rounds in [("20261122T000000-aaaa", 1), ("20261122T000001-bbbb", 3)]:
        for record in a_run(run, rounds):
            history.append(record)
    return history


def test_a_run_is_found_by_its_id_or_as_the_newest_of_its_loop(two):
    assert two.run("20261122T000000-aaaa")["iterations"] == 1
    assert two.run("slug")["run_id"] == "20261122T000001-bbbb"
    assert two.run("nothing") is None


def test_the_newest_verified_candidate_of_an_equal_question_is_found(two):
    found = two.verified("f1")

    assert (found["kind"], found["text"]) == ("code", "def slug(t): return 3")
    assert found["run_id"] == "20261122T000001-bbbb"
    assert two.verified("another fingerprint") is None


def test_a_run_that_is_not_verified_offers_no_candidate(history, started, a_round):
    from jupyter_loops.core.events import Record, RunEnded

    end = RunEnded(reason="iterations", message="enough", usage={}, iterations=1, best=1)
    for seq, event in enumerate([started(), *a_round(1), end], start=1):
        history.append(Record("r", seq, datetime.now(UTC), event))

    assert history.verified("f1") is None


def test_the_money_spent_since_a_moment_is_summed(two):
    assert two.total_usd() == pytest.approx(0.004)
    assert two.total_usd(datetime.now(UTC) - timedelta(hours=1)) == pytest.approx(0.004)
    assert two.total_usd(datetime.now(UTC) + timedelta(hours=1)) == 0.0
