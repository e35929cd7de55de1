"""Runs that go on: resumed after any of their events, forked from any of their rounds, replayed."""

import sys
from subprocess import PIPE, Popen

import pytest

from jupyter_loops import assemble
from jupyter_loops.assemble import Adapters
from jupyter_loops.core.budget import Price
from jupyter_loops.core.events import Record
from jupyter_loops.core.termination import StopReason
from jupyter_loops.errors import HistoryError, OptionError, PreflightError
from jupyter_loops.execution.sandbox import ZygoteSandbox
from jupyter_loops.history import History, open_history, queries, store, writer
from jupyter_loops.planning.models.replay import ReplayModel

DOUBLE = '''
def double(n: int) -> int:
    """Twice n."""

assert double(2) == 4
assert double(5) == 10
'''
RIGHT = "```python\ndef double(n):\n    return n + n\n```"
HALF_RIGHT = "```python\ndef double(n):\n    return 4\n```"
WRONG = "```python\ndef double(n):\n    return -1\n```"
SPINS = "```python\ndef double(n):\n    while True: pass\n```"
ANSWERS = [WRONG, HALF_RIGHT, RIGHT]
PRICE = Price(prompt=1e-6, completion=2e-6)


@pytest.fixture
def adapters():
    """The real sandbox, and a model that gives these answers."""
    return lambda *answers, price=PRICE: Adapters(ReplayModel(answers, price=price), ZygoteSandbox(isolation="process"))


@pytest.fixture
def whole(start):
    """A run that is verified in its third round."""
    run = start(DOUBLE, *ANSWERS, price=PRICE)
    run.wait(20)
    return run


@pytest.fixture
def died_after(whole, tmp_path):
    """A history in which that run's kernel died after so many events."""
    opened = []

    def make(events):
        opened.append(open_history(tmp_path / f"{events}.duckdb"))
        for one in whole.history.records(whole.id)[:events]:
            record = Record.of(one)
            opened[-1].append(record if record.seq > 1 else _of_a_dead_kernel(record))
        return opened[-1]

    yield make
    for history in opened:
        history.close()


def after_round(run, n):
    """The number of the event that ended a round."""
    records = run.history.records(run.id)
    return next(one["seq"] for one in records if one["kind"] == "iteration_finished" and one["iteration"] == n)


def _of_a_dead_kernel(record):
    from dataclasses import replace

    return replace(record, event=replace(record.event, journal="0123456789ab", kernel="1@elsewhere"))


def test_a_run_goes_on_after_any_of_its_events_and_pays_for_no_answer_twice(whole, died_after, adapters):
    story = whole.history.records(whole.id)
    assert len(story) >= 30
    for events in range(1, len(story)):
        history = died_after(events)
        answered = [one for one in story[:events] if one["kind"] == "call_finished"]
        lost = story[events - 1]["kind"] == "call_started"
        parts = adapters(*ANSWERS[len(answered) :])

        run = assemble.resume("task", history=str(history.path), adapters=parts)
        end = run.wait(20)

        assert (run.id, end.reason) == (whole.id, "verified"), events
        assert len(parts.model.asked) == 3 - len(answered), events
        assert run.usage.calls == 3 + lost, events
        assert (run.usage.tokens == whole.usage.tokens) == (not lost), events
        assert history.verify() == [], events
        row = history.run(run.id)
        assert (row["stop_reason"], row["iterations"], row["best_iteration"], row["resumed"]) == ("verified", 3, 3, 1)
        assert row["usd"] == pytest.approx(run.usage.usd)
        namespace = {}
        run.bind(namespace)
        assert namespace["double"](4) == 8


def test_what_a_call_in_flight_may_have_cost_is_charged(whole, died_after, adapters):
    started = next(one for one in whole.history.records(whole.id) if one["kind"] == "call_started")
    history = died_after(started["seq"])

    run = assemble.resume("task", history=str(history.path), adapters=adapters(RIGHT))
    run.wait(20)

    assert run.usage.usd >= started["reserved_usd"] > 0
    (lost, answered) = history.calls(run.id)
    assert (lost["error"], lost["usd"]) == ("lost", started["reserved_usd"])
    assert answered["error"] is None


def test_spent_money_counts_against_the_limit(whole, died_after, adapters):
    history = died_after(after_round(whole, 2))
    spent = whole.history.rounds(whole.id)

    run = assemble.resume(
        "task", history=str(history.path), adapters=adapters(RIGHT), usd=spent[0]["usd"] + spent[1]["usd"]
    )

    assert run.wait(20).reason == "budget_usd"
    assert run.usage.calls == 2


def test_elapsed_time_counts_and_the_time_between_does_not(whole, died_after, adapters):
    history = died_after(after_round(whole, 2))
    before = sum(one["seconds"] for one in whole.history.rounds(whole.id)[:2])

    run = assemble.resume("task", history=str(history.path), adapters=adapters(RIGHT))
    run.wait(20)

    total = history.run(run.id)["seconds"]
    assert before < total < before + 10


def test_hints_and_limits_of_before_still_hold(start, ear, adapters):
    run = start(DOUBLE, WRONG, *[WRONG] * 9, delay=0.2, iterations=5)
    run.hint("use addition")
    run.raise_budget(iterations=7)
    while not ear.of("iteration_finished"):
        pass
    run.stop(StopReason.INTERRUPTED)
    run.wait(10)
    parts = adapters(RIGHT)

    again = assemble.resume(run.id, history=str(run.history.path), adapters=parts)
    again.wait(10)

    assert "use addition" in parts.model.asked[0].messages[-1].content
    assert again.budget.iterations == 7


def test_an_interrupted_round_is_taken_up_where_it_was(start, ear, adapters):
    run = start(DOUBLE, SPINS, timeout=60.0)
    while not ear.of("candidate_proposed") or ear.events[-1].kind != "state_changed" or ear.events[-1].to != "verify":
        pass
    run.stop(StopReason.INTERRUPTED)
    run.wait(10)
    parts = adapters(RIGHT)

    again = assemble.resume("task", history=str(run.history.path), adapters=parts, timeout=0.3)
    again.wait(20)

    first, second = run.history.rounds(run.id)
    assert len(parts.model.asked) == 1  # the spinning code was executed again, not bought again
    assert "0.3 s" in first["why"]
    assert (second["iteration"], again.termination.reason) == (2, "verified")
    assert run.history.verify() == []


def test_a_run_that_reached_a_limit_goes_on_when_it_is_raised(start, adapters):
    run = start(DOUBLE, WRONG, WRONG, iterations=2)
    assert run.wait(10).reason == "iterations"

    again = assemble.resume("task", history=str(run.history.path), adapters=adapters(RIGHT), iterations=3)

    assert again.wait(10).reason == "verified"
    assert run.history.run("task")["budget_iterations"] == 3
    assert run.history.verify() == []


def test_a_best_score_of_before_can_still_be_delivered(start, adapters):
    cell = "'A long text.'\nname: str\nmaximize(len(name))"
    run = start(cell, "abcdef", "abc", iterations=2, patience=99)
    run.wait(10)

    again = assemble.resume("task", history=str(run.history.path), adapters=adapters("ab"), iterations=3)
    again.wait(10)

    assert again.best.text != "ab"
    assert again.values == {"name": "abcdef"}


def test_a_run_whose_last_events_cannot_be_stored_yet_does_not_go_on_from_older_ones(
    whole, died_after, adapters, monkeypatch
):
    monkeypatch.setattr(queries, "SETTLE", 0.5)
    monkeypatch.setattr(store, "PATIENCE", 0.1)
    history = died_after(after_round(whole, 2))
    history.flush()
    (late, *_) = whole.history.records(whole.id)[after_round(whole, 2) :]
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True); print('held', flush=True); input()"
    with Popen([sys.executable, "-c", code, history.path], stdin=PIPE, stdout=PIPE, text=True) as reader:
        assert reader.stdout.readline() == "held\n"
        history.append(Record.of(late))  # a reader lets others read, and nobody write
        assert len(history.rounds(whole.id)) == 3, "what is written is seen, from a copy and the journal"

        with pytest.raises(HistoryError, match="in use by another program"):
            assemble.resume("task", history=str(history.path), adapters=adapters(RIGHT))
        reader.communicate("\n")

    again = assemble.resume("task", history=str(history.path), adapters=adapters(RIGHT))
    assert again.wait(20).reason == "verified"
    assert history.verify() == []


def test_a_run_whose_last_events_another_kernel_has_yet_to_store_waits_for_them(
    whole, died_after, adapters, monkeypatch
):
    monkeypatch.setattr(writer, "GATHER", 60.0)
    end = after_round(whole, 2)
    history = died_after(end)
    history.close()
    other = History(history.path)  # with a journal of its own
    other.append(Record.of(whole.history.records(whole.id)[end]))
    monkeypatch.setattr(queries, "SETTLE", 0.5)

    with pytest.raises(HistoryError, match="in another kernel's journal; try again later"):
        assemble.resume("task", history=str(history.path), adapters=adapters(RIGHT))

    other.close()
    again = assemble.resume("task", history=str(history.path), adapters=adapters(RIGHT))
    assert again.wait(20).reason == "verified"
    assert history.verify() == []


def test_what_the_notebook_lacks_is_named(start, adapters):
    cell = "def double(n: int) -> int:\n    'Twice n.'\n\nassert double(base) == goal_of[base]\n"
    run = start(cell, WRONG, names={"base": 2, "goal_of": {2: 4}}, iterations=1)
    run.wait(10)
    path = str(run.history.path)

    with pytest.raises(PreflightError, match="reads base, goal_of, and the notebook does not have that yet"):
        assemble.resume("task", history=path, adapters=adapters(RIGHT))

    names = {"base": 2, "goal_of": {2: 4}}
    again = assemble.resume("task", names, history=path, adapters=adapters(RIGHT), iterations=2)
    assert again.wait(10).reason == "verified"


def test_a_run_that_goes_on_cannot_be_resumed(start):
    run = start(DOUBLE, WRONG, *[WRONG] * 9, delay=5)
    while run.state == "prepare":
        pass

    with pytest.raises(PreflightError, match="is going on"):
        assemble.resume(run.id, history=str(run.history.path))
    run.stop()
    run.wait(10)


def test_a_resumed_run_cannot_be_resumed_a_second_time_meanwhile(whole, died_after, adapters):
    history = died_after(after_round(whole, 1))
    slow = Adapters(ReplayModel([RIGHT], delay=5), ZygoteSandbox(isolation="process"))
    run = assemble.resume("task", history=str(history.path), adapters=slow)
    while run.state == "prepare":
        pass

    with pytest.raises(HistoryError, match="going on in another kernel"):
        assemble.resume("task", history=str(history.path), adapters=adapters(RIGHT))
    run.stop()
    run.wait(10)
    assert assemble.resume("task", history=str(history.path), adapters=adapters(RIGHT)).wait(10).reason == "verified"


def test_a_verified_run_has_nothing_to_go_on_with(whole):
    with pytest.raises(PreflightError, match="verified already; %loops fork"):
        assemble.resume("task", history=str(whole.history.path))


def test_an_unknown_name_or_option_is_refused(whole, adapters):
    with pytest.raises(PreflightError, match="no run is called nobody"):
        assemble.resume("nobody", history=str(whole.history.path))
    with pytest.raises(OptionError, match="no option is called iteration; did you mean iterations"):
        assemble.fork("task", 1, history=str(whole.history.path), iteration=3)


def test_a_fork_starts_from_its_round_with_its_own_money(whole, adapters):
    parts = adapters(RIGHT)

    fork = whole.fork(1, hint="add n to itself", adapters=parts)
    assert fork.wait(10).reason == "verified"

    prompt = parts.model.asked[0].messages[-1].content
    assert "return -1" in prompt
    assert "add n to itself" in prompt
    assert fork.usage.calls == 1
    assert fork.best.text.strip().endswith("n + n")
    row = whole.history.run(fork.id)
    assert (row["parent"], row["relation"], row["forked_at"]) == (whole.id, "fork", 1)
    assert [one["iteration"] for one in whole.history.rounds(fork.id)] == [2]
    assert [one["iteration"] for one in whole.history.story(fork.id) if one["kind"] == "iteration_finished"] == [1, 2]


def test_a_fork_of_a_fork_knows_all_rounds_and_can_be_resumed(whole, adapters):
    first = whole.fork(1, adapters=adapters(HALF_RIGHT, WRONG), iterations=3)
    first.wait(10)
    second = first.fork(2, adapters=adapters(WRONG), iterations=3)
    second.wait(10)

    assert [one.iteration for one in second.cycle.state.rounds] == [1, 2, 3]
    assert second.best.text.strip().endswith("return 4")
    again = assemble.resume(second.id, history=str(whole.history.path), adapters=adapters(RIGHT), iterations=4)
    assert again.wait(10).reason == "verified"
    assert [one.iteration for one in again.cycle.state.rounds] == [1, 2, 3, 4]
    assert [one["parent"] for one in whole.history.family(whole.id)] == [None, whole.id, first.id]
    assert whole.history.verify() == []


def test_a_fork_at_an_inherited_round_is_a_fork_of_the_run_that_had_it(whole, adapters):
    first = whole.fork(2, adapters=adapters(WRONG), iterations=3)
    first.wait(10)
    second = first.fork(1, adapters=adapters(RIGHT))
    second.wait(10)

    assert whole.history.run(second.id)["parent"] == whole.id


@pytest.mark.parametrize("at", [0, 3, 9])
def test_there_is_no_fork_from_a_round_that_leaves_nothing_to_go_on_from(whole, at):
    with pytest.raises(PreflightError, match=f"cannot be forked at round {at or 1}|rounds 1 to 2 are finished"):
        whole.fork(at)


def test_a_replay_tries_the_stored_answers_again_at_no_cost(whole):
    again = assemble.replay("task", history=str(whole.history.path))

    assert again.wait(20).reason == "verified"
    assert again.usage.usd == 0
    then, now = whole.history.rounds(whole.id), whole.history.rounds(again.id)
    assert [(one["digest"], one["passed"]) for one in now] == [(one["digest"], one["passed"]) for one in then]
    assert whole.history.run(again.id)["relation"] == "replay"
    assert whole.history.run("task")["run_id"] == whole.id  # a replay does not come before what it replays


def test_a_new_run_of_an_interrupted_cell_says_that_it_can_go_on(start, ear):
    run = start(DOUBLE, WRONG, SPINS, timeout=60.0)
    while len(ear.of("candidate_proposed")) < 2:
        pass
    run.stop(StopReason.INTERRUPTED)
    run.wait(10)
    start(DOUBLE, RIGHT).wait(10)

    (note,) = [event.message for event in ear.of("note_added") if "--resume" in event.message]
    assert note.startswith(f"run {run.id} of this cell was interrupted in round 2")
