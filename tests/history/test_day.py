"""A day's dollars are shared by all kernels, and none of them can spend what another has reserved."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from jupyter_loops.errors import BudgetError
from jupyter_loops.history.day import DayBook

SPEND = """
import sys
from jupyter_loops.errors import BudgetError
from jupyter_loops.history.day import DayBook
from pathlib import Path

book, spent = DayBook(Path(sys.argv[1]), 1.0), 0.0
for _ in range(200):
    try:
        taken = book.take(0.01, 0.02)
    except BudgetError:
        continue
    book.settle(taken, taken / 2)
    spent += taken / 2
print(spent)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "today.json"


def test_what_one_has_reserved_another_cannot_take(path):
    one, other = DayBook(path, 1.0), DayBook(path, 1.0)

    assert one.take(0.1, 0.7) == 0.7
    assert other.take(0.1, 0.7) == pytest.approx(0.3)
    with pytest.raises(BudgetError, match="today's \\$1 of all notebooks"):
        other.take(0.1, 0.2)
    one.settle(0.7, 0.2)
    assert other.take(0.1, 0.7) == pytest.approx(0.5)


def test_four_processes_at_once_do_not_spend_more_than_the_day_has(path):
    running = [
        subprocess.Popen([sys.executable, "-c", SPEND, str(path)], stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    spent = sum(float(process.communicate(timeout=60)[0]) for process in running)

    page = DayBook(path).read()
    assert 0.9 < spent <= 1 + 1e-9
    assert page.settled == pytest.approx(spent)
    assert page.reserved == pytest.approx(0, abs=1e-9)


def test_runs_without_a_daily_limit_are_entered_too(path):
    free = DayBook(path)
    free.settle(free.take(5, 5), 4.9)

    with pytest.raises(BudgetError):
        DayBook(path, 5.0).take(0.2, 0.2)


def test_yesterday_is_over(path):
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    path.write_text(json.dumps({"day": yesterday, "settled": 9.0, "reserved": 1.0}))

    assert DayBook(path, 1.0).take(0.1, 0.9) == 0.9


@pytest.mark.parametrize("text", ["", "nonsense", '{"day": 3}', '["x"]', '{"day": "x", "settled": "y"}'])
def test_a_damaged_page_is_begun_anew_and_the_history_fills_it(path, text):
    path.write_text(text)
    book = DayBook(path, 1.0)
    book.learn(0.8)

    assert book.take(0.1, 1) == pytest.approx(0.2)


def test_what_is_learned_is_never_less_than_what_is_known(path):
    book = DayBook(path, 1.0)
    book.settle(book.take(0.5, 0.5), 0.5)
    book.learn(0.3)

    assert book.read().settled == pytest.approx(0.5)
