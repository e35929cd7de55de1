"""The law that a cap is a cap, as one case: the real Asking on a family of ledgers, the worst of providers.

Used by test_overshoot.py, and by tests/benchmarks/overshoot.py with far more cases.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from hypothesis import strategies as st

from jupyter_loops.core.budget import Budget, Price
from jupyter_loops.core.message import Completion, Message, Prompt, Sampling
from jupyter_loops.core.tool import Calling
from jupyter_loops.engine.event_recorder import EventRecorder
from jupyter_loops.engine.ledger import Ledger
from jupyter_loops.engine.model_caller import ModelCaller
from jupyter_loops.errors import BudgetError, ErrorClass, ModelError

NEAR = 1e-9  # US dollars: what adding up floats may do

OUTCOMES = ["answer", "answer", "answer", "cut", "filtered", "cancelled", *ErrorClass]

share = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 1))
calls = st.fixed_dictionaries(
    {
        "ledger": st.integers(0, 3),
        "outcomes": st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=8),
        "prompt": st.integers(1, 3000),
        "max_tokens": st.integers(1, 2000),
        "share": share,
        "cached": share,
        "thought": share,
        "last": st.booleans(),
        "yields": st.integers(0, 5),
        "dear": st.booleans(),  # asked of another model, at another price
    }
)
money = st.one_of(st.none(), st.floats(0.00001, 0.05))
budgets = st.builds(
    Budget,
    usd=money,
    tokens=st.one_of(st.none(), st.integers(50, 20_000)),
    calls=st.one_of(st.none(), st.integers(1, 20)),
)
per_token = st.floats(0, 1e-5)
prices = st.builds(
    Price,
    prompt=per_token,
    completion=per_token,
    cached=st.one_of(st.none(), per_token),
    reasoning=st.one_of(st.none(), per_token, st.just(4e-5)),
)
families = st.tuples(budgets, budgets, budgets, budgets)  # a run, two loops in it, a judge in the second
cases = st.tuples(families, prices, prices, st.lists(calls, min_size=4, max_size=12))


@dataclass
class Books:
    """Keeps what is written, and the worst that was ever seen."""

    events: list[object] = field(default_factory=list)
    worst: float = 0.0  # most that spent and reserved together were above a limit, in its unit

    def append(self, *records):
        self.events += [record.event for record in records]

    def watch(self, budget):
        def told(spent, reserved):
            for name in ("usd", "tokens", "calls"):
                limit = getattr(budget, name)
                if limit is not None:
                    self.worst = max(self.worst, getattr(spent, name) + getattr(reserved, name) - limit)

        return told

    def of(self, kind):
        return [event for event in self.events if event.kind == kind]


class Fickle:
    """Does what the case says, and never more than it was asked for."""

    def __init__(self, case, price):
        self.name, self._case, self._price = "fickle", case, price
        self._outcomes = iter(case["outcomes"])

    async def open(self):
        pass

    endpoint = ""

    def calling(self):
        return Calling.NATIVE

    def count(self, messages, tools=()):
        return self._case["prompt"]

    def price(self):
        return self._price

    def window(self):
        return None

    def varies(self):
        return False

    def carried(self):
        return None

    async def tokenized(self, texts):
        return None

    async def complete(self, prompt, sampling, on_text=None):
        case, outcome = self._case, next(self._outcomes, "answer")
        used = int(sampling.max_tokens * case["share"])
        for _ in range(case["yields"]):
            await asyncio.sleep(0)
        if outcome in {"cut", "cancelled"} and on_text:
            for _ in range(used):
                on_text("x")
        if outcome == "cancelled":
            asyncio.current_task().cancel()
            await asyncio.sleep(0)
        if outcome == "cut":
            raise ModelError("broke off", ErrorClass.TRANSIENT)
        if outcome in set(ErrorClass):
            raise ModelError("no", outcome)
        return Completion(
            text="y",
            prompt_tokens=case["prompt"],
            completion_tokens=used,
            cached_tokens=int(case["prompt"] * case["cached"]),
            reasoning_tokens=int(used * case["thought"]),
            finish_reason="content_filter" if outcome == "filtered" else "stop",
        )


def play(case) -> Books:
    """Play a case to its end, everything at once, and assert the law."""
    (run, one, two, judge), price, dear, asked = case
    books = Books()
    outer = Ledger(run, price, books.watch(run))
    inner = [outer.child(budget, books.watch(budget)) for budget in (one, two)]
    ledgers = [outer, *inner, inner[1].child(judge, books.watch(judge))]
    for ledger in ledgers:
        ledger.price = price
    asyncio.run(_all(asked, ledgers, price, dear, books))

    assert books.worst <= NEAR, books.worst
    for ledger in ledgers:
        reserved = ledger.account.reserved
        assert (reserved.tokens, reserved.calls) == (0, 0)
        assert abs(reserved.usd) < NEAR
        for name, left in ledger.budget.remaining(ledger.usage).items():
            assert name == "seconds" or left >= -NEAR, name
    finished = books.of("call_finished")
    assert len(books.of("call_started")) == len(finished) == outer.usage.calls
    assert outer.usage.tokens == sum(call.prompt_tokens + call.completion_tokens for call in finished)
    assert abs(outer.usage.usd - sum(call.usd for call in finished)) < NEAR
    return books


async def _all(asked, ledgers, price, dear, books):
    recorder = EventRecorder("run", books, [_Deaf()])
    await asyncio.gather(*(_ask(case, ledgers, price, dear, recorder) for case in asked))


async def _ask(case, ledgers, price, dear, recorder):
    async def wait(seconds, why):
        await asyncio.sleep(0)

    caller = ModelCaller(Fickle(case, price), ledgers[case["ledger"]], recorder, wait)
    if case["dear"]:
        caller = caller.for_model(Fickle(case, dear))

    async def asked(*_):
        return Prompt(messages=(Message("user", "x"),))

    task = asyncio.ensure_future(caller.ask(asked, Sampling(max_tokens=case["max_tokens"]), 1))
    await asyncio.wait({task})
    if not task.cancelled() and task.exception() is not None:
        assert isinstance(task.exception(), BudgetError | ModelError)


class _Deaf:
    """Has a run stream, as a view does."""

    def heard(self, record):
        pass

    def text(self, run, piece):
        pass

    def spent(self, run, usage, reserved):
        pass

    def preparing(self, run, step):
        pass
