"""A second model has a say: after everything that is free, on the same ledger, and never by accident."""

import json

import pytest

from jupyter_loops.core.budget import Price
from jupyter_loops.core.message import Completion
from jupyter_loops.errors import ErrorClass, ModelError, PreflightError
from jupyter_loops.history import open_history
from jupyter_loops.planning.models.replay import ReplayModel

CELL = """'Write a greeting.'
greeting: str
assert len(greeting) < 200
assert judge(greeting, "Is it polite?") >= 0.7
"""


def grade(score, reason="so it is"):
    return json.dumps({"reason": reason, "score": score})


def judge_of(*answers, **facts):
    return ReplayModel(answers, name="judge", **facts)


def verdicts(ear, layer="judge"):
    return [verdict for event in ear.of("checks_evaluated") for verdict in event.verdicts if verdict.layer == layer]


def test_a_low_grade_is_feedback_and_a_high_one_verifies(start, ear):
    judge, maker = judge_of(grade(0.2, "it is curt"), grade(0.9, "it is kind")), ReplayModel(["Hey.", "Good morning!"])

    run = start(CELL, model=maker, judge=judge)

    assert run.wait(30).reason == "verified"
    assert run.values == {"greeting": "Good morning!"}
    assert [(v.passed, v.message) for v in verdicts(ear)] == [
        (False, "judged 0.2: it is curt"),
        (True, "judged 0.9: it is kind"),
    ]
    assert "judged 0.2: it is curt" in "".join(message.content for message in maker.asked[1].messages)
    assert (
        ear.of("iteration_finished")[0].why
        == 'judge(greeting, "Is it polite?") >= 0.7: judged 0.2: it is curt (1 of 2 passed)'
    )
    metric = verdicts(ear)[0].metric
    assert (metric.value, metric.target, metric.direction) == (0.2, 0.7, "maximize")
    assert len(judge.asked) == 2  # the second look before the crowning asks nobody again


def test_the_judge_is_asked_last_and_sees_the_value_and_the_rubric_only(start):
    judge = judge_of(grade(1.0))
    cell = CELL.replace("assert len", "with hidden:\n    assert 'Sir' in greeting\nassert len")
    run = start(cell, "x" * 300, "Hello", "Good morning, Sir", judge=judge)

    assert run.wait(30).reason == "verified"
    (asked,) = judge.asked
    words = "\n".join(message.content for message in asked.messages)
    assert "Good morning, Sir" in words
    assert "Is it polite?" in words
    assert "Write a greeting" not in words  # not the goal, not the checks, not the maker's other tries
    assert "Hello" not in words
    assert asked.schema["required"] == ["reason", "score"]


def test_its_calls_are_counted_beside_the_makers_and_paid_from_the_same_ledger(start, ear):
    price = Price(prompt=1e-6, completion=1e-6)
    dear = Price(prompt=1e-3, completion=1e-3)
    judge = judge_of(Completion(text=grade(1.0), prompt_tokens=100, completion_tokens=20), price=dear)
    run = start(CELL, Completion(text="Hi", prompt_tokens=30, completion_tokens=10), price=price, judge=judge)

    run.wait(30)

    assert [(call.call, call.purpose, call.model) for call in ear.of("call_started")] == [
        (1, "plan", "replay"),
        (2, "judge", "judge"),
    ]
    assert ear.of("call_started")[1].sampling["temperature"] == 0.0
    assert run.usage.usd == pytest.approx(40 * 1e-6 + 120 * 1e-3)
    assert run.usage.tokens == 160


def test_votes_take_the_median_and_its_reason(start, ear):
    judge = judge_of(grade(0.1, "bad"), grade(0.8, "good"), grade(1.0, "best"))
    run = start(CELL, "Good day", judge=judge, judge_votes=3)

    assert run.wait(30).reason == "verified"
    assert verdicts(ear)[0].message == "judged 0.8 (median of 0.1, 0.8, 1): good"


@pytest.mark.parametrize(
    "nonsense",
    [
        "",
        "I love it!",
        '{"score": "high"}',
        '{"score": true, "reason": ""}',
        '{"score": 7, "reason": "of 10"}',
        '{"score": -0.1}',
        '{"score": NaN}',
        '{"grade": 1.0}',
        '{"score": 0.1} {"score": 1.0}',
        "[1.0]",
    ],
)
def test_nonsense_is_asked_for_again_once_and_is_never_a_pass(start, ear, nonsense):
    judge = judge_of(nonsense, nonsense)
    run = start(CELL, "Good day", "Good day", judge=judge)

    end = run.wait(30)

    assert end.reason == "error"
    assert "the judge judge gave no usable grade" in end.message
    assert len(judge.asked) == 2
    assert not run.accepted
    assert ear.of("iteration_finished")[-1].passed == 1  # the round is on the record


def test_one_slip_of_the_judge_is_forgiven(start):
    run = start(CELL, "Good day", judge=judge_of("Hm.", grade(0.8)))
    assert run.wait(30).reason == "verified"


def test_a_judge_that_does_not_answer_ends_the_run_with_its_own_class(start):
    run = start(CELL, "Good day", judge=judge_of(ModelError("no such model", ErrorClass.BAD_REQUEST)))

    end = run.wait(30)

    assert end.reason == "error"
    assert end.message.startswith("the judge failed: no such model")


def test_a_judge_that_cannot_be_paid_is_not_asked(start, ear):
    judge = judge_of(grade(1.0), price=Price(prompt=1.0, completion=1.0))
    run = start(CELL, "Good day", judge=judge, usd=0.5)

    assert run.wait(30).reason == "budget_usd"
    assert judge.asked == []
    assert run.usage.usd == 0.0
    assert len(ear.of("iteration_finished")) == 1


def test_a_judge_without_a_price_is_refused_before_the_first_token(start):
    maker = ReplayModel(["Good day"])
    run = start(CELL, model=maker, judge=judge_of(grade(1.0), price=None))

    with pytest.raises(PreflightError, match="the price of judge is not known"):
        run.wait(30)
    assert maker.asked == []


def test_a_stored_candidate_is_not_judged_again(start, ear):
    start(CELL, "Good day", judge=judge_of(grade(0.8, "kind"))).wait(30)
    judge = judge_of(grade(0.0))

    end = start(CELL, judge=judge).wait(30)

    assert end.reason == "verified"
    assert "0 tokens" in end.message
    assert judge.asked == []
    assert verdicts(ear)[-1].message == "judged 0.8: kind"


def test_another_judge_grades_a_stored_candidate_anew(start):
    start(CELL, "Good day", judge=judge_of(grade(0.8))).wait(30)
    other = ReplayModel([grade(0.1), grade(0.9)], name="a stricter one")
    run = start(CELL, "Good evening", judge=other, iterations=1)

    assert run.wait(30).reason == "verified"
    assert run.values == {"greeting": "Good evening"}
    assert len(other.asked) == 2


def test_the_reason_is_in_sql(start, tmp_path):
    run = start(CELL, "Good day", judge=judge_of(grade(0.8, "kind")))
    run.wait(30)

    history = open_history(str(tmp_path / "history.duckdb"))
    rows = history.sql("SELECT layer, passed, message, metric_value FROM verdicts WHERE layer = 'judge'").fetchall()
    assert rows == [("judge", True, "judged 0.8: kind", pytest.approx(0.8))]
    calls = history.sql("SELECT purpose, count(*) FROM calls GROUP BY ALL ORDER BY 1").fetchall()
    assert calls == [("judge", 1), ("plan", 1)]


def test_a_grade_mixes_with_other_python_and_code_is_judged_by_its_source(start):
    cell = '''
def double(n: int) -> int:
    """Twice n."""

assert double(2) == 4 and (judge(double, "Is it short?") + judge(str(double(3)), "Is it six?")) / 2 > 0.5
'''
    judge = judge_of(grade(0.4), grade(1.0))
    run = start(cell, "```python\ndef double(n):\n    return n + n\n```", judge=judge)

    assert run.wait(30).reason == "verified"
    first, second = ("\n".join(message.content for message in asked.messages) for asked in judge.asked)
    assert "return n + n" in first
    assert "\n6\n" in second


def test_a_rubric_of_the_notebook_counts(start):
    cell = CELL.replace('"Is it polite?"', "HOUSE_STYLE")
    judge = judge_of(grade(1.0))

    assert start(cell, "Good day", judge=judge, names={"HOUSE_STYLE": "No slang."}).wait(30).reason == "verified"
    assert "No slang." in judge.asked[0].messages[-1].content
    with pytest.raises(PreflightError, match=r"line 5: the rubric of judge.*`HOUSE_STYLE`, is not a text"):
        start(cell, names={"HOUSE_STYLE": 7})


def test_a_stop_while_the_judge_thinks_settles_its_call(start, ear):
    run = start(CELL, "Good day", judge=judge_of(grade(1.0), delay=20.0))
    while not any(call.purpose == "judge" for call in ear.of("call_started")):
        assert not run.future.done()

    run.stop()

    assert run.wait(10).reason == "stopped"
    kinds = [event.kind for event in ear.events]
    assert kinds.index("run_ended") == len(kinds) - 1
    assert ear.of("call_finished")[-1].error == "cancelled"
    assert ear.ledger[-1][1]["tokens"] == 0  # nothing stays reserved


def test_the_candidates_clock_stands_still_while_the_judge_thinks(start):
    run = start(CELL, "Good day", judge=judge_of(grade(1.0), delay=2.0), timeout=1.0)
    assert run.wait(30).reason == "verified"
