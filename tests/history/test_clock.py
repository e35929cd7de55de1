"""A clock that is set back or forward in the middle of a run raises no alarm, and gives no money back."""

import json
import os
import platform
from datetime import UTC, datetime, timedelta

import pytest

from jupyter_loops.core.events import Record, RunResumed, StateChanged
from jupyter_loops.errors import BudgetError
from jupyter_loops.history import History

STEPS = [timedelta(seconds=-1), timedelta(hours=-1), timedelta(days=-1), timedelta(hours=1), timedelta(days=400)]


@pytest.mark.parametrize("step", STEPS, ids=str)
def test_a_run_under_a_clock_that_steps_verifies(history, a_run, step):
    now = datetime.now(UTC)
    records = a_run(rounds=3)
    for place, record in enumerate(records):
        moment = now + timedelta(seconds=place) + (step if 15 <= place < 25 else timedelta())
        history.append(Record(record.run, record.seq, moment, record.event))
        if place % 4 == 0:
            history.flush()

    assert history.verify() == []
    assert history.sql("SELECT started_at FROM runs").fetchall() == [(now.replace(tzinfo=None),)]
    assert history.sql("SELECT count(*) FROM iterations WHERE ended_at IS NOT NULL").fetchall() == [(3,)]


def test_a_run_that_was_lost_and_is_resumed_under_an_earlier_clock_is_running(history, started, a_round):
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    events = [started(kernel=f"999999@{platform.node()}"), *a_round(1)[:3]]
    for seq, event in enumerate(events, start=1):
        history.append(Record("r", seq, datetime.now(UTC), event))
    assert history.sql("SELECT status FROM run_summary").fetchall() == [("kernel ended: plan",)]

    fields = dict.fromkeys(("model", "isolation", "fingerprint", "version"), "m")
    resumed = RunResumed(
        iteration=1, phase="plan", budget={}, kernel=f"{os.getpid()}@{platform.node()}",
        journal=history.journal.token, **fields,
    )  # fmt: skip
    history.append(Record("r", 5, long_ago, resumed))
    history.append(Record("r", 6, long_ago, StateChanged(iteration=1, source="plan", to="execute")))

    assert history.sql("SELECT status FROM run_summary").fetchall() == [("running: execute",)]
    assert history.verify() == []


def test_a_kernel_that_has_its_journal_is_alive_whatever_the_clock_says(path, start, started):
    code = (
        "import os, platform, sys; from datetime import UTC, datetime; from jupyter_loops.history import History;"
        "from jupyter_loops.core.events import Record, RunStarted; history = History(sys.argv[1]);"
        "history.append(Record('r', 1, datetime(2020, 1, 1, tzinfo=UTC), RunStarted(loop='l', goal='g', source='s',"
        "fingerprint='f', model='m', isolation='process', budget={}, price=None, options={}, targets=[], checks=[],"
        "kernel=f'{os.getpid()}@{platform.node()}', journal=history.journal.token))); history.flush();"
        "print('said', flush=True); import time; time.sleep(60)"
    )
    process = start("-c", code, path)
    assert process.stdout.readline() == "said\n"

    history = History(path)
    assert history.sql("SELECT status FROM run_summary").fetchall()[0][0].startswith("running")
    history.close()


def test_a_clock_that_was_set_back_over_midnight_gives_no_money_back(history):
    book = history.day(limit=1.0)
    book.settle(book.take(0.1, 0.9), 0.9)
    page = json.loads(book.path.read_text())
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    book.path.write_text(json.dumps(page | {"day": tomorrow.isoformat()}))  # as it was before the clock went back

    with pytest.raises(BudgetError):
        book.take(0.2, 0.2)
    book.path.write_text(json.dumps(page | {"day": "2099-01-01"}))  # a clock that was wrong by years
    assert book.take(0.2, 0.2) == pytest.approx(0.2)
