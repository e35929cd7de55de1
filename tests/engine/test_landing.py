"""Near its end a run says so to the model, and has kept enough for one last answer."""

import asyncio
import threading

from jupyter_loops.core.budget import Budget, Price
from jupyter_loops.core.message import Completion
from jupyter_loops.engine.final_answer_reserve import FinalAnswerReserve
from jupyter_loops.engine.ledger import Ledger
from jupyter_loops.errors import BudgetError
from jupyter_loops.planning.models.replay import ReplayModel

CELL = '''
def double(n: int) -> int:
    """Twice n."""

assert double(2) == 4
'''
PAD = "# " + "word " * 60
WRONG = [f"```python\ndef double(n):\n    return -{number}\n{PAD}\n```" for number in range(90)]
RIGHT = "```python\ndef double(n):\n    return n + n\n```"


def asked(model):
    return [prompt.messages[-1].content for prompt in model.asked]


def test_the_model_is_told_what_is_left_from_the_share_on(start):
    model = ReplayModel(WRONG)
    start(CELL, model=model, iterations=5, reserve_final=0.5).wait(30)

    heard = ["left" in prompt for prompt in asked(model)]
    assert heard == [False, False, False, True, True]  # 0, 20, 40, 60, 80 % of the rounds used
    assert "Little is left: 2 rounds" in asked(model)[3]
    assert "This is the last answer that can be paid for (1 round," in asked(model)[4]


def test_it_is_a_part_of_the_prompt_on_the_record(start, ear):
    start(CELL, *WRONG, iterations=3, reserve_final=0.5).wait(30)

    names = [[part["name"] for part in call.parts] for call in ear.of("call_started")]
    assert "left" not in names[0]
    assert "left" in names[-1]


class Late(ReplayModel):
    """Knows the answer, and says it when it has to."""

    async def complete(self, prompt, sampling, on_text=None):
        if "This is the last answer" in prompt.messages[-1].content:
            self._answers = iter([RIGHT])
        return await super().complete(prompt, sampling, on_text)


def test_a_slice_is_kept_for_one_last_answer_which_may_verify(start, ear):
    model = Late(WRONG, price=Price(prompt=1e-6, completion=1e-5))
    run = start(CELL, model=model, usd=0.008, iterations=50, patience=50, max_tokens=150)

    end = run.wait(30)

    assert end.reason == "verified"
    assert run.usage.iterations > 2
    assert all(spent["usd"] + reserved["usd"] <= 0.008 + 1e-12 for spent, reserved in ear.ledger)


def test_after_the_last_answer_the_run_ends_with_the_best_and_the_numbers(start):
    model = ReplayModel(WRONG)
    run = start(CELL, model=model, tokens=1500, iterations=50, patience=50, max_tokens=200)

    end = run.wait(30)

    assert end.reason == "budget_tokens"
    assert "best is round 1" in end.message
    assert "is left" in end.message
    assert run.usage.tokens <= 1500
    assert sum("This is the last answer" in prompt for prompt in asked(model)) == 1
    assert "This is the last answer" in asked(model)[-1]


def test_landing_1_keeps_nothing_and_says_nothing(start):
    model = ReplayModel(WRONG)
    start(CELL, model=model, tokens=1500, iterations=50, patience=50, max_tokens=200, reserve_final=1).wait(30)

    assert not any("left" in prompt for prompt in asked(model))


def test_the_slice_is_opened_once_and_for_the_run_s_own_limits_only():
    ledger = Ledger(Budget(usd=None, tokens=1000))
    landing = FinalAnswerReserve(ledger)
    assert not landing.open(BudgetError("tokens", 500, 10))  # nothing is kept before the first answer
    landing.answered(Completion(text="", prompt_tokens=80, completion_tokens=40))

    assert ledger.account.slice.tokens == 120
    assert not landing.open(BudgetError("tokens", 500, 10, "the loop around it"))
    assert landing.open(BudgetError("tokens", 500, 10))
    assert not landing.open(BudgetError("tokens", 500, 10))
    assert ledger.account.slice.tokens == 0


def test_a_slice_is_never_more_than_what_lies_beyond_the_share():
    ledger = Ledger(Budget(usd=0.01, tokens=1000, calls=20), Price(prompt=1e-4, completion=1e-4))
    FinalAnswerReserve(ledger, 0.9).answered(Completion(text="", prompt_tokens=800, completion_tokens=40))

    kept = ledger.account.slice
    assert (round(kept.usd, 6), kept.tokens, kept.calls) == (0.001, 99, 1)


class Clocked(ReplayModel):
    """Answers wrongly and takes as long as it is told, on the run's clock; knows the answer when it has to."""

    def __init__(self, *took, hangs=0):
        super().__init__(WRONG)
        self.context, self.known, self._took, self._hangs = None, threading.Event(), iter(took), hangs

    async def complete(self, prompt, sampling, on_text=None):
        if "This is the last answer" in prompt.messages[-1].content:
            self._answers = iter([RIGHT])
        await asyncio.to_thread(self.known.wait)
        self.context.ledger.watch.add(next(self._took, 0.0))
        if len(self.asked) + 1 == self._hangs:
            self.asked.append(prompt)
            self.context._set_alarm(self.context.ledger.remaining_seconds)
            await asyncio.sleep(60)
        return await super().complete(prompt, sampling, on_text)


def clocked(start, model, **options):
    run = start(CELL, model=model, time=100.0, iterations=20, watchdog=None, call_timeout=100.0, **options)
    model.context = run.cycle.context
    model.known.set()
    return run


def test_time_is_kept_for_one_last_round(start):
    model = Clocked(30.0, 55.0)
    run = clocked(start, model)

    assert run.wait(30).reason == "verified"
    assert run.usage.iterations == 3
    assert run.cycle.final_answer.refused.limit == "seconds"
    assert ["This is the last answer" in prompt for prompt in asked(model)] == [False, False, True]


def test_a_call_that_would_use_the_time_of_the_last_round_is_cut_off(start, ear):
    model = Clocked(30.0, 48.0, hangs=2)
    run = clocked(start, model)
    run.cycle.final_answer.round_over(20.0)

    assert run.wait(30).reason == "verified"
    cut, last = [call.error for call in ear.of("call_finished")][-2:]
    assert (cut, last) == ("cancelled", "")
    assert run.usage.iterations == 2


def test_a_wait_for_a_provider_opens_nothing():
    ledger = Ledger(Budget(seconds=100.0))
    landing = FinalAnswerReserve(ledger)
    landing.round_over(5.0)

    assert landing.seconds == 5.0
    assert not landing.open(BudgetError("seconds", 500, 10, cause="429"))
    assert landing.open(BudgetError("seconds", 5, 4))
    assert landing.seconds == 0
