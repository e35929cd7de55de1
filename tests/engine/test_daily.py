"""The day's cap over runs, real history included."""

import pytest

from jupyter_loops.core.budget import Price
from jupyter_loops.errors import OptionError, PreflightError
from jupyter_loops.planning.models.replay import ReplayModel

CELL = '''
def double(n: int) -> int:
    """Twice n."""

assert double(2) == 4
'''
WRONG = [f"```python\ndef double(n):\n    return -{number}\n```" for number in range(60)]
PRICE = Price(prompt=1e-5, completion=1e-5)


def test_runs_together_never_spend_more_than_the_day_has(start, ear):
    first = start(CELL, *WRONG, price=PRICE, daily_usd=0.02, iterations=4, patience=60, fresh=True)
    first.wait(30)
    second = start(CELL, *WRONG, price=PRICE, daily_usd=0.02, iterations=60, patience=60, fresh=True)
    end = second.wait(60)

    assert first.usage.usd > 0
    assert end.reason == "budget_usd"
    assert "left of today's $0.02 of all notebooks (--daily-usd)" in end.message
    assert first.usage.usd + second.usage.usd <= 0.02
    third = start(CELL, *WRONG, price=PRICE, daily_usd=0.02, fresh=True)
    assert third.wait(30).reason == "budget_usd"
    assert third.usage.usd <= 0.02 - first.usage.usd - second.usage.usd


def test_without_its_file_the_day_is_known_from_the_history(start, tmp_path):
    run = start(CELL, *WRONG, price=PRICE, iterations=3, patience=60, fresh=True)
    run.wait(30)
    run.history.flush()
    (page,) = tmp_path.glob("*.journal/today.json")
    page.unlink()

    assert run.history.day(5.0).read().settled == pytest.approx(run.usage.usd)


def test_a_daily_limit_needs_a_price_or_a_token_limit(start):
    model = ReplayModel(WRONG, price=None)

    with pytest.raises(PreflightError, match=r"today's \$5 .* cannot hold.*--price"):
        start(CELL, model=model, usd=None, daily_usd=5).wait(30)


def test_a_daily_limit_is_more_than_nothing(start):
    with pytest.raises(OptionError, match="--daily-usd must be more than 0"):
        start(CELL, daily_usd=0)
