"""A person decides, at the very end, however long it takes."""

import json
import time

import pytest

from jupyter_loops.assemble import Person
from jupyter_loops.core.events import ApprovalRequested
from jupyter_loops.errors import LoopError, PreflightError
from jupyter_loops.planning.models.replay import ReplayModel

CELL = """'Name a mug.'
mug: dict[str, str]
assert mug["name"]
assert approve(mug)
"""
THERE = Person(there=True)


def mug(name):
    return json.dumps({"mug": {"name": name}})


def wait_for(run, iteration=None):
    """Block until a value waits for a person."""
    deadline = time.monotonic() + 30
    while run.waiting is None or run.state != "wait" or iteration not in {None, run.waiting.iteration}:
        assert not run.future.done(), run
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return run.waiting


def test_a_rejections_comment_is_feedback_and_an_approval_verifies(start, ear):
    maker = ReplayModel([mug("Mug"), mug("Ember")])
    run = start(CELL, model=maker, person=THERE)

    first = wait_for(run)
    assert (first.check, json.loads(first.value)) == ("approve(mug)", {"name": "Mug"})
    run.reject("too plain")
    wait_for(run, iteration=2)
    run.approve("lovely")

    assert run.wait(30).reason == "verified"
    assert run.values == {"mug": {"name": "Ember"}}
    assert "rejected: too plain" in "".join(message.content for message in maker.asked[1].messages)
    assert [(e.action, e.value) for e in ear.of("run_steered")] == [("reject", "too plain"), ("approve", "lovely")]
    said = [v for event in ear.of("checks_evaluated") for v in event.verdicts if v.layer == "approval"]
    assert [(v.passed, v.message) for v in said] == [(False, "rejected: too plain"), (True, "approved: lovely")]
    assert "rejected: too plain" in ear.of("iteration_finished")[0].why


def test_waiting_is_a_state_whose_time_is_not_billed(start, ear):
    run = start(CELL, mug("Ember"), person=THERE, time=3.0)
    wait_for(run)
    time.sleep(3.5)
    run.approve()

    assert run.wait(30).reason == "verified"
    assert run.usage.seconds < 3.0
    waits = [event for event in ear.of("state_changed") if event.to == "wait"]
    assert [event.note for event in waits] == ["approval"]


def test_no_process_is_kept_while_a_person_thinks(start):
    run = start(CELL, mug("Ember"), person=THERE)
    wait_for(run)

    assert run.cycle.sandbox._scratch._in_use == 0
    run.approve()
    run.wait(30)


def test_the_diff_is_against_what_the_notebook_has_now(start, ear):
    run = start(CELL, mug("Ember"), person=Person(there=True, namespace={"mug": {"name": "Mug"}}))

    asked = wait_for(run)
    run.approve()
    run.wait(30)

    assert asked.diff.splitlines() == [" {", '-  "name": "Mug"', '+  "name": "Ember"', " }"]
    (event,) = ear.of("approval_requested")
    assert isinstance(event, ApprovalRequested)
    assert event.diff == asked.diff


def test_without_anybody_the_run_does_not_begin(start):
    maker = ReplayModel([mug("Ember")])
    run = start(CELL, model=maker)

    with pytest.raises(PreflightError, match=r"line 5: approve\(…\) waits for a person, and nobody can answer here"):
        run.wait(30)
    assert maker.asked == []


def test_auto_approve_needs_nobody_and_says_so(start, ear):
    run = start(CELL, mug("Ember"), auto_approve=True)

    assert run.wait(30).reason == "verified"
    assert [note.message for note in ear.of("note_added")] == [
        "approved without a person (--auto-approve): approve(mug)"
    ]


def test_a_callback_answers_in_plain_python(start):
    seen = []

    def decide(approval):
        seen.append(json.loads(approval.value)["name"])
        return "shorter" if len(seen[-1]) > 5 else True

    maker = ReplayModel([mug("Everwarm"), mug("Ember")])
    run = start(CELL, model=maker, person=Person(callback=decide))

    assert run.wait(30).reason == "verified"
    assert seen == ["Everwarm", "Ember"]
    assert "rejected: shorter" in "".join(message.content for message in maker.asked[1].messages)


@pytest.mark.parametrize("answer", [None, 1, "", False])
def test_anything_but_true_is_a_rejection(start, answer):
    run = start(CELL, mug("Ember"), person=Person(callback=lambda _: answer), iterations=1)
    assert run.wait(30).reason == "iterations"


def test_a_late_click_does_not_answer_the_next_question(start):
    run = start(CELL, mug("Mug"), mug("Ember"), person=THERE)
    first = wait_for(run)
    run.reject("no", first.number)
    wait_for(run, iteration=2)

    with pytest.raises(LoopError, match="no longer waits"):
        run.approve(number=first.number)
    run.approve()
    assert run.wait(30).reason == "verified"
    with pytest.raises(LoopError, match="nothing waits for approval"):
        run.approve()


def test_a_rejected_value_that_comes_back_is_not_asked_about_again(start, ear):
    run = start(CELL, mug("Mug"), mug("Mug"), mug("Ember"), person=THERE)
    wait_for(run)
    run.reject("no")
    wait_for(run, iteration=3)
    run.approve()

    assert run.wait(30).reason == "verified"
    assert len(ear.of("approval_requested")) == 2


def test_a_rejection_asks_again_about_an_equal_value_of_other_code(start, ear):
    cell = "def double(n: int) -> int:\n    'Twice.'\n\nassert double(2) == 4\nassert approve(double(2))\n"
    first, second = (f"```python\ndef double(n):\n    return {code}\n```" for code in ("n + n", "n * 2"))
    run = start(cell, first, first, second, person=THERE)
    wait_for(run, iteration=1)
    run.reject("do not add")
    wait_for(run, iteration=3)
    run.approve()
    assert run.wait(30).reason == "verified"
    assert len(ear.of("approval_requested")) == 2


def test_a_stored_approval_counts_where_nobody_is(start, ear):
    run = start(CELL, mug("Ember"), person=THERE)
    wait_for(run)
    run.approve()
    run.wait(30)

    again = start(CELL)  # Run All, headless

    assert again.wait(30).reason == "verified"
    assert again.usage.tokens == 0
    assert len(ear.of("approval_requested")) == 1


def test_a_value_that_changes_from_run_to_run_cannot_be_approved(start):
    cell = """'Make a token.'
import uuid
def token() -> str: ...
assert token()
assert approve(token())
"""
    run = start(
        cell, "```python\nimport uuid\ndef token():\n    return uuid.uuid4().hex\n```", person=THERE, iterations=1
    )
    wait_for(run)
    run.approve()

    assert run.wait(30).reason == "iterations"
    assert "another one each time" in run.cycle.state.last.why


def test_a_stop_ends_a_waiting_run(start):
    run = start(CELL, mug("Ember"), person=THERE)
    wait_for(run)
    run.stop()

    assert run.wait(10).reason == "stopped"
    assert run.waiting is None


def test_a_pause_during_the_wait_holds_the_run_after_the_answer(start, ear):
    run = start(CELL, mug("Mug"), mug("Ember"), person=THERE)
    wait_for(run)
    run.pause()
    run.raise_budget(iterations=9)
    run.reject("no")
    deadline = time.monotonic() + 20
    while not any(event.note == "paused" for event in ear.of("state_changed")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    run.resume()
    wait_for(run, iteration=2)
    run.approve()
    assert run.wait(30).reason == "verified"


def test_two_approvals_are_asked_one_after_the_other(start):
    cell = CELL + "assert approve(mug['name'])\n"
    run = start(cell, mug("Ember"), person=THERE)
    assert wait_for(run).number == 1
    run.approve(number=1)
    deadline = time.monotonic() + 20
    while run.waiting is None or run.waiting.number != 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert run.waiting.value == "Ember"
    run.approve(number=2)
    assert run.wait(30).reason == "verified"
