"""A run from start to Termination, with every part real but the model."""

import asyncio
import json
import time

import pytest

from jupyter_loops.core.budget import Price
from jupyter_loops.core.candidate import CandidateKind
from jupyter_loops.core.message import Completion
from jupyter_loops.errors import ErrorClass, ModelError, NotVerified, PreflightError, SetupError
from jupyter_loops.execution.sandbox import ZygoteSandbox
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
BROKEN = "```python\ndef double(n):\n    return 1/0\n```"
SPINS = "```python\ndef double(n):\n    while True: pass\n```"
AT_ONCE = 10.0  # seconds, where waiting would take 30 or more; how quick it is, tests/benchmarks/stopping.py says


def test_refines_until_the_checks_pass(start, ear):
    run = start(DOUBLE, WRONG, HALF_RIGHT, RIGHT)

    end = run.wait(30)

    assert end.reason == "verified"
    assert [(d.passed, d.total, d.best) for d in ear.of("iteration_finished")] == [
        (0, 2, True),
        (1, 2, True),
        (2, 2, True),
    ]
    assert "-1" in ear.of("iteration_finished")[0].why
    assert run.usage.iterations == 3
    assert [event.kind for event in ear.events][-1] == "run_ended"


def test_binds_a_verified_function_with_its_source(start):
    import inspect

    run, notebook = start(DOUBLE, RIGHT), {}
    run.wait(30)

    run.bind(notebook)

    assert notebook["double"](21) == 42
    assert "return n + n" in inspect.getsource(notebook["double"])
    assert set(notebook) == {"double"}
    run.undo()
    assert notebook == {}


def test_a_data_target_arrives_as_a_validated_object(start):
    cell = """'Name a mug.'
from pydantic import BaseModel

class Product(BaseModel):
    name: str
    size: int

mug: Product
assert mug.size > 1
"""
    bad, good = json.dumps({"mug": {"name": "Sol", "size": "big"}}), json.dumps({"mug": {"name": "Sol", "size": 2}})
    run, notebook = start(cell, bad, good), {}

    end = run.wait(30)
    run.bind(notebook)

    assert end.reason == "verified"
    assert run.usage.iterations == 2
    assert isinstance(notebook["mug"], notebook["Product"])
    assert notebook["mug"].size == 2
    assert run.best.kind is CandidateKind.DATA


def test_the_round_limit_ends_with_the_best_so_far(start):
    run = start(DOUBLE, HALF_RIGHT, WRONG, iterations=2)

    end = run.wait(30)

    assert end.reason == "iterations"
    assert "return 4" in run.source
    assert "best is round 1 with 1 of 2 checks" in end.message
    with pytest.raises(NotVerified, match="task is not verified: iterations"):
        run.check()


def test_the_model_hears_of_a_hidden_check_only_that_it_failed(start):
    cell = DOUBLE + "with hidden:\n    assert double(1234567) == 2469134\n"
    model = ReplayModel(
        ["```python\ndef double(n):\n    return {2: 4, 5: 10}.get(n, 0)\n```", RIGHT],
    )
    run = start(cell, model=model)

    assert run.wait(30).reason == "verified"
    asked = "\n".join(message.content for prompt in model.asked for message in prompt.messages)
    assert "1234567" not in asked
    assert "hidden" in asked


def test_a_loop_without_asserts_is_never_verified_but_delivers_its_best_score(start):
    cell = '"""A big number."""\nn: int\nmaximize(n)\n'
    answers = [json.dumps({"n": n}) for n in (3, 9, 5)]
    run, notebook = start(cell, *answers, iterations=3), {}

    end = run.wait(30)
    run.bind(notebook)

    assert end.reason == "iterations"
    assert notebook["n"] == 9


def test_a_flaky_candidate_is_not_crowned(start, ear, tmp_path):
    flaky = (
        "```python\nimport os, random\ndef double(n):\n"
        "    seen = os.path.exists('%s')\n    open('%s', 'w').close()\n"
        "    return 0 if seen else n + n\n```"
    )
    cell = '"""."""\nimport itertools\ndef double(n: int) -> int:\n    """Twice n."""\nassert double(2) == 4\n'
    run = start(cell, flaky.replace("%s", str(tmp_path / "seen")), iterations=1)

    end = run.wait(30)

    assert end.reason == "iterations"
    assert "not stable" in ear.of("iteration_finished")[0].why
    assert not run.accepted


def test_every_event_is_numbered_and_the_journal_has_them_all(start, ear):
    run = start(DOUBLE, WRONG, RIGHT)
    run.wait(30)

    stored = run.history.records(run.id)

    assert [record["seq"] for record in stored] == list(range(1, len(ear.events) + 1))
    assert [record["kind"] for record in stored] == [event.kind for event in ear.events]


def test_the_answer_is_durable_before_its_code_runs(start, ear):
    start(DOUBLE, RIGHT).wait(30)
    kinds = [event.kind for event in ear.events]

    assert (
        kinds.index("call_started")
        < kinds.index("call_finished")
        < kinds.index("candidate_proposed")
        < kinds.index("candidate_executed")
    )


def test_running_the_same_cell_again_costs_no_token(start):
    start(DOUBLE, WRONG, RIGHT).wait(30)

    again = start(DOUBLE)  # a model without answers: asking it would be an error
    end = again.wait(30)

    assert end.reason == "verified"
    assert "0 tokens" in end.message
    assert again.usage.tokens == 0
    notebook = {}
    again.bind(notebook)
    assert notebook["double"](4) == 8


def test_fresh_searches_anew(start):
    start(DOUBLE, RIGHT).wait(30)

    again = start(DOUBLE, WRONG, RIGHT, fresh=True)

    assert again.wait(30).reason == "verified"
    assert again.usage.iterations == 2


def test_changed_data_of_the_notebook_is_noticed(start):
    cell = DOUBLE + "assert double(number) == 2 * number\n"
    start(cell, RIGHT, names={"number": 3}).wait(30)

    again = start(cell, RIGHT, names={"number": 4})

    again.wait(30)
    assert again.usage.iterations == 1  # not the free round 0


def test_stop_kills_a_spinning_candidate_at_once(start, ear):
    run = start(DOUBLE, SPINS, timeout=60)
    deadline = time.monotonic() + 20
    while run.state != "verify" and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.2)

    begun = time.monotonic()
    run.stop()
    end = run.wait(20)

    assert time.monotonic() - begun < AT_ONCE
    assert end.reason == "stopped"
    assert "stopped" in ear.of("iteration_finished")[-1].why or "by hand" in end.message


def test_a_stop_while_the_sandbox_closes_changes_nothing_and_the_end_is_on_record(start, ear):
    run = start(DOUBLE, RIGHT, box=StoppedWhileClosing(lambda: run))

    end = run.wait(30)

    assert end.reason == "verified"
    assert [event.reason for event in ear.of("run_ended")] == ["verified"]


class StoppedWhileClosing(ZygoteSandbox):
    """A person clicks Stop while it closes."""

    def __init__(self, run):
        super().__init__(isolation="process")
        self._run = run

    async def close(self):
        self._run().stop()
        await asyncio.sleep(0.05)
        await super().close()


def test_stop_ends_a_streaming_answer_and_charges_what_arrived(start, ear):
    price = Price(prompt=1e-6, completion=1e-6)
    run = start(DOUBLE, RIGHT * 50, delay=30, price=price)
    deadline = time.monotonic() + 20
    while len(ear.pieces) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)

    begun = time.monotonic()
    run.stop()
    end = run.wait(20)

    assert time.monotonic() - begun < AT_ONCE
    assert end.reason == "stopped"
    [call] = ear.of("call_finished")
    assert call.error == "cancelled"
    assert call.completion_tokens >= 3
    assert run.usage.usd == pytest.approx(call.usd)
    assert ear.ledger[-1][1]["tokens"] == 0  # nothing stays reserved


def test_a_paused_run_waits_and_its_clock_stands_still(start):
    run = start(DOUBLE, WRONG, RIGHT, delay=0.2)
    run.pause()
    time.sleep(1.0)

    assert run.state == "wait"
    assert run.usage.seconds < 0.9
    run.resume()
    assert run.wait(30).reason == "verified"


def test_the_time_of_a_run_ends_with_it(start):
    run = start(DOUBLE, RIGHT)
    run.wait(20)
    then = run.usage.seconds

    time.sleep(0.01)

    assert run.usage.seconds == then == pytest.approx(run.history.run(run.id)["seconds"])


def test_step_does_one_round_and_waits(start):
    run = start(DOUBLE, WRONG, HALF_RIGHT, RIGHT)
    run.pause()
    time.sleep(0.5)
    before = run.usage.iterations

    run.step()
    deadline = time.monotonic() + 10
    while not (run.usage.iterations == before + 1 and run.state == "wait") and time.monotonic() < deadline:
        time.sleep(0.02)

    assert (run.usage.iterations, run.state) == (before + 1, "wait")
    run.resume()
    run.wait(30)


def test_a_hint_reaches_the_next_prompt(start):
    model = ReplayModel([WRONG, RIGHT])
    run = start(DOUBLE, model=model)
    run.pause()
    run.hint("add n to itself")
    run.resume()
    run.wait(30)

    assert "add n to itself" in "\n".join(m.content for prompt in model.asked for m in prompt.messages)


def test_a_raised_budget_lets_a_run_go_on(start):
    run = start(DOUBLE, WRONG, HALF_RIGHT, RIGHT, iterations=1, delay=0.3)
    run.raise_budget(iterations=3)

    assert run.wait(30).reason == "verified"
    assert run.usage.iterations == 3


def test_a_dollar_cap_is_a_cap(start, ear):
    price = Price(prompt=1e-4, completion=1e-4)
    run = start(DOUBLE, *[WRONG, HALF_RIGHT, BROKEN] * 30, price=price, usd=0.1, iterations=90, patience=90)

    end = run.wait(60)

    assert end.reason in {"budget_usd", "repetition", "oscillation"}
    assert run.usage.usd <= 0.1
    assert all(spent["usd"] + reserved["usd"] <= 0.1 + 1e-9 for spent, reserved in ear.ledger)


def test_the_time_limit_ends_a_slow_model(start):
    run = start(DOUBLE, RIGHT, delay=30, time=0.8)

    end = run.wait(20)

    assert end.reason == "budget_time"
    assert run.usage.seconds < AT_ONCE


def test_transient_faults_are_retried_within_one_round(start, ear):
    fault = ModelError("the server is busy", ErrorClass.TRANSIENT)
    run = start(DOUBLE, fault, RIGHT)

    assert run.wait(30).reason == "verified"
    assert run.usage.iterations == 1
    assert [call.error for call in ear.of("call_finished")] == ["transient", ""]
    assert any(move.to == "wait" for move in ear.of("state_changed"))


@pytest.mark.parametrize(
    ("kind", "reason"), [(ErrorClass.AUTH, "error"), (ErrorClass.BAD_REQUEST, "error"), (ErrorClass.REFUSED, "refused")]
)
def test_some_faults_end_the_run_at_once(start, ear, kind, reason):
    run = start(DOUBLE, ModelError("no key for x: set X_API_KEY", kind))

    end = run.wait(30)

    assert end.reason == reason
    assert "X_API_KEY" in end.message
    assert len(ear.of("call_started")) == 1


def test_a_filtered_answer_is_paid_for_and_ends_the_run_as_refused(start, ear):
    filtered = Completion(text="", prompt_tokens=50, completion_tokens=2, finish_reason="content_filter")
    run = start(DOUBLE, filtered)

    assert run.wait(30).reason == "refused"
    assert run.usage.tokens == 52


def test_nonsense_costs_a_round_and_is_told_to_the_model(start, ear):
    model = ReplayModel(["I would rather talk about the weather.", RIGHT])
    run = start(DOUBLE, model=model)

    assert run.wait(30).reason == "verified"
    assert run.usage.iterations == 2
    assert len(ear.of("iteration_finished")) == 2


def test_a_failing_set_up_is_told_before_anything_is_spent(start, ear):
    run = start('"""x"""\nimport no_such_module_at_all\n' + DOUBLE, RIGHT)

    with pytest.raises(SetupError, match="no_such_module_at_all"):
        run.wait(30)
    assert ear.events == []


def test_an_unknown_price_refuses_a_dollar_only_budget(start):
    with pytest.raises(PreflightError, match="--tokens"):
        start(DOUBLE, model=ReplayModel([RIGHT], price=None)).wait(30)


def test_a_given_price_makes_a_dollar_budget_hold(start):
    run = start(DOUBLE, model=ReplayModel([WRONG] * 9, price=Price.per_million("1000,1000")), usd=0.3, patience=9)

    assert run.wait(30).reason == "budget_usd"
    assert 0 < run.usage.usd <= 0.3


def test_a_call_limit_ends_a_run_with_a_reason_of_its_own(start):
    fault = ModelError("the server is busy", ErrorClass.TRANSIENT)
    run = start(DOUBLE, WRONG, fault, RIGHT, calls=2)

    end = run.wait(30)

    assert end.reason == "budget_calls"  # the retry would have been the third
    assert "--calls" in end.message
    assert run.history.run(run.id)["stop_reason"] == "budget_calls"


def test_a_condition_ends_a_run_after_a_round_and_says_why(start):
    price = Price(prompt=1e-5, completion=1e-5)
    run = start(DOUBLE, HALF_RIGHT, *[WRONG, BROKEN] * 5, price=price, until="Verified() | Plateau(2) & Usd(0.0001)")

    end = run.wait(30)

    assert end.reason == "plateau"
    assert "no progress for 2 rounds and $" in end.message
    assert "best is round 1 with 1 of 2 checks" in end.message
    assert run.usage.iterations == 3


def test_a_limit_among_the_conditions_is_a_cap_before_the_call(start, ear):
    price = Price(prompt=1e-5, completion=1e-5)
    run = start(DOUBLE, *[WRONG, BROKEN] * 5, price=price, until="Verified() | Usd(0.005)")

    assert run.wait(30).reason == "budget_usd"
    assert run.usage.usd <= 0.005
    assert all(spent["usd"] + reserved["usd"] <= 0.005 + 1e-9 for spent, reserved in ear.ledger)


def test_a_score_goal_ends_the_search_for_a_better_one(start):
    cell = '"""A big number."""\nn: int\nmaximize(n)\n'
    run = start(cell, *(json.dumps({"n": n}) for n in (3, 9, 50)), until="Score(8)")

    assert run.wait(30).reason == "verified"
    assert run.usage.iterations == 2
    assert run.values == {"n": 9}


def test_conditions_are_on_the_record(start):
    run = start(DOUBLE, RIGHT, until="Verified() | Plateau(4)")
    run.wait(30)

    assert json.loads(run.history.run(run.id)["options"])["until"] == "Verified() | Plateau(4)"


def test_a_broken_listener_does_not_end_the_run(start, ear, monkeypatch):
    monkeypatch.setattr(ear, "heard", lambda record: 1 / 0)

    assert start(DOUBLE, RIGHT).wait(30).reason == "verified"


def test_the_time_limit_stands_still_while_a_person_thinks(start):
    run = start(DOUBLE, WRONG, RIGHT, delay=0.3, time=4)
    run.pause()
    time.sleep(4.5)
    run.resume()

    assert run.wait(20).reason == "verified"
    assert run.usage.seconds < 4


def test_a_lowered_time_limit_holds_from_the_next_phase_on(start):
    run = start(DOUBLE, WRONG, RIGHT, RIGHT, delay=1, time=60)  # the last one is asked for when it lands
    run.raise_budget(seconds=1.5)

    assert run.wait(20).reason == "budget_time"
    assert run.usage.seconds < AT_ONCE


def test_a_key_in_an_answer_is_never_written_down(start, ear):
    key = "sk-abcdefghijklmnop1234567890"
    run = start(DOUBLE, f"Here is {key}.\n{RIGHT}".replace("return n + n", f"return n + n  # {key}"))
    assert run.wait(30).reason == "verified"

    assert key not in str(ear.events)
    assert key not in str(run.history.records(run.id))
    assert "[redacted]" in ear.of("call_finished")[0].text


def busy(times, kind=ErrorClass.TRANSIENT):
    return [ModelError("the server is busy", kind)] * times


def quick(monkeypatch, *, pause=0.05):
    """Retries without their waits, and a breaker that is asked again soon."""
    from dataclasses import replace

    from jupyter_loops.engine import breaker, recovery

    for kind, policy in recovery.POLICIES.items():
        monkeypatch.setitem(recovery.POLICIES, kind, replace(policy, base=0.0))
    monkeypatch.setattr(breaker, "PAUSE", pause)


def test_a_fallback_answers_when_the_first_model_cannot(start, ear, monkeypatch):
    quick(monkeypatch)
    first, spare = ReplayModel(busy(1, ErrorClass.AUTH)), ReplayModel([RIGHT], name="spare")
    run = start(DOUBLE, model=first, fallbacks=(spare,))

    assert run.wait(30).reason == "verified"
    assert [(one.what, one.before, one.after) for one in ear.of("request_adapted")] == [("fallback", "replay", "spare")]
    assert [(call.model) for call in ear.of("call_started")] == ["replay", "spare"]
    rows = run.history.sql("SELECT what, was, became, reason FROM decisions").fetchall()
    assert rows == [("fallback", "replay", "spare", "the server is busy")]


def test_fallbacks_are_asked_in_order_and_the_last_fault_ends_the_run(start, ear, monkeypatch):
    quick(monkeypatch)
    models = [ReplayModel(busy(9, ErrorClass.REFUSED), name=name) for name in ("a", "b", "c")]
    run = start(DOUBLE, model=models[0], fallbacks=tuple(models[1:]))

    assert run.wait(30).reason == "refused"
    assert [call.model for call in ear.of("call_started")] == ["a", "b", "c"]


def test_a_fallback_without_a_price_is_refused_before_anything_is_spent(start):
    spare = ReplayModel([RIGHT], name="spare", price=None)
    run = start(DOUBLE, model=ReplayModel([RIGHT]), fallbacks=(spare,))

    with pytest.raises(PreflightError, match="price of spare is not known"):
        run.wait(30)


def test_a_breaker_opens_is_waited_for_and_its_probe_closes_it(start, ear, monkeypatch):
    quick(monkeypatch)
    run = start(DOUBLE, model=ReplayModel([*busy(4), WRONG, *busy(4), RIGHT]))
    assert run.wait(30).reason == "verified"
    assert ear.of("breaker_changed") == []  # an answer in between starts the count anew

    run = start(DOUBLE, model=ReplayModel([*busy(5), *busy(1), RIGHT]), fresh=True)
    assert run.wait(30).reason == "error"
    assert [(move.source, move.to) for move in ear.of("breaker_changed")] == [("closed", "open")]


def test_loops_share_breakers_and_one_that_meets_a_long_pause_ends_at_once(start, ear, monkeypatch):
    quick(monkeypatch, pause=60.0)
    model = ReplayModel([*busy(5), RIGHT])
    first = start(DOUBLE, model=model)
    assert first.wait(30).reason == "error"

    second = start(DOUBLE, model=model)
    end = second.wait(30)

    assert end.reason == "breaker_open"
    assert "left alone after 5 times transient" in end.message
    assert len(model.asked) == 5
    assert second.usage.calls == 0


def test_waiting_for_a_probe_is_the_run_s_time_and_ends_a_run_that_has_less(start, monkeypatch):
    quick(monkeypatch, pause=7.0)
    model = ReplayModel([*busy(5), RIGHT])
    start(DOUBLE, model=model).wait(30)
    run = start(DOUBLE, model=model, time=3)

    assert run.wait(30).reason == "budget_time"
    assert run.usage.calls == 0
    assert len(model.asked) == 5


def test_the_probe_of_a_later_run_closes_the_breaker(start, ear, monkeypatch):
    quick(monkeypatch)
    model = ReplayModel([*busy(5), RIGHT])
    start(DOUBLE, model=model).wait(30)
    run = start(DOUBLE, model=model)

    assert run.wait(30).reason == "verified"
    moves = [(move.source, move.to) for move in ear.of("breaker_changed")]
    assert moves == [("closed", "open"), ("open", "half_open"), ("half_open", "closed")]
    rows = run.history.sql("SELECT fault, was, became FROM breakers WHERE run_id = $it", {"it": run.id}).fetchall()
    assert rows == [("transient", "open", "half_open"), ("transient", "half_open", "closed")]


def test_an_open_breaker_falls_back_without_asking(start, ear, monkeypatch):
    quick(monkeypatch, pause=60.0)
    model = ReplayModel(busy(5))
    start(DOUBLE, model=model).wait(30)
    run = start(DOUBLE, model=model, fallbacks=(ReplayModel([RIGHT], name="spare"),))

    assert run.wait(30).reason == "verified"
    assert len(model.asked) == 5


def test_a_refused_feature_is_asked_without_at_once(start, ear):
    from jupyter_loops.errors import FeatureError

    run = start(DOUBLE, FeatureError("x does not take a seed", "a seed"), RIGHT)

    assert run.wait(30).reason == "verified"
    assert [(one.what, one.before) for one in ear.of("request_adapted")] == [("feature", "a seed")]
    assert not any(move.to == "wait" for move in ear.of("state_changed"))
