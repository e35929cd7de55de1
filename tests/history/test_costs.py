"""What a call cost is a view over its raw usage, so that a price can be put right later."""

import pytest

from jupyter_loops.core.budget import Price

CELL = '''
def double(n: int) -> int:
    """Twice n."""

assert double(2) == 4
'''


@pytest.fixture
def run(tmp_path):
    from jupyter_loops.assemble import Adapters, Options, launch
    from jupyter_loops.core.message import Completion
    from jupyter_loops.execution.sandbox import ZygoteSandbox
    from jupyter_loops.language import parse
    from jupyter_loops.planning.models.replay import ReplayModel

    answer = Completion(
        text="```python\ndef double(n):\n    return n + n\n```",
        prompt_tokens=1000,
        completion_tokens=500,
        cached_tokens=400,
        reasoning_tokens=200,
    )
    price = Price(prompt=2e-6, completion=8e-6, cached=1e-6, reasoning=10e-6)
    options = Options(history=str(tmp_path / "history.duckdb"), sandbox="process")
    adapters = Adapters(ReplayModel([answer], price=price), ZygoteSandbox(isolation="process"))
    run = launch(parse(CELL, "task"), options, None, [], adapters)
    assert run.wait(30).verified
    yield run
    run.history.close()


def costs(run):
    ((charged, usd, corrected),) = run.history.sql("SELECT charged, usd, corrected FROM costs").fetchall()
    return charged, usd, corrected


def test_the_view_comes_to_what_the_ledger_charged(run):
    charged, usd, corrected = costs(run)

    assert charged == pytest.approx(600 * 2e-6 + 400 * 1e-6 + 300 * 8e-6 + 200 * 10e-6)
    assert usd == pytest.approx(charged)
    assert not corrected
    row = run.history.run(run.id)
    assert (row["price_prompt"], row["price_cached"], row["price_reasoning"]) == (2e-6, 1e-6, 10e-6)


def test_a_corrected_price_changes_the_cost_and_not_what_was_charged(run):
    before = costs(run)[0]
    run.history.correct_price("replay", Price(prompt=1e-6, completion=1e-6))

    assert costs(run) == (before, pytest.approx(1500e-6), True)
    ((by_model,),) = run.history.sql("SELECT usd FROM cost_by_model").fetchall()
    ((by_day,),) = run.history.sql("SELECT usd FROM cost_by_day").fetchall()
    assert by_model == by_day == run.history.total_usd() == pytest.approx(1500e-6)
    assert run.history.run(run.id)["usd"] == pytest.approx(before)
    assert run.history.verify() == []


def test_a_correction_can_be_corrected_and_taken_back(run):
    run.history.correct_price("replay", Price(prompt=1e-6, completion=1e-6))
    run.history.correct_price("replay", Price(prompt=3e-6, completion=3e-6))
    assert costs(run)[1] == pytest.approx(4500e-6)

    run.history.correct_price("replay", None)
    charged, usd, corrected = costs(run)
    assert (usd, corrected) == (pytest.approx(charged), False)
