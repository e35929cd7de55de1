"""What is done is not bought again: by content, after a stop, a limit, a dead kernel."""

import json
import subprocess
import sys
import textwrap
import time
from pathlib import Path

from jupyter_loops.core.termination import StopReason
from jupyter_loops.history import open_history

from .conftest import length
from .test_map import records, wrong


def test_a_second_run_verifies_stored_rows_for_nothing_and_buys_the_new_ones(start_map, model):
    start_map(records(20), model()).wait(60)
    answers = model()

    run = start_map(records(25), answers)

    assert run.wait(60).verified
    assert len(answers.asked) == 5
    assert run.progress.stored == 20
    assert [row["tokens"] for row in run.rows[:20]] == [0] * 20
    assert [row["length"] for row in run.rows] == list(range(25))


def test_rows_are_told_apart_by_content_and_not_by_place(start_map, model):
    start_map(records(10), model()).wait(60)
    answers = model()

    run = start_map([{"text": "new"}, *reversed(records(10))], answers)
    run.wait(60)

    assert answers.asked == ['{"text": "new"}']


def test_equal_rows_are_not_bought_again_either(start_map, model):
    rows = [{"text": "twice"}, {"text": "twice"}, {"text": "once"}]
    start_map(rows, model()).wait(60)
    answers = model()

    assert start_map(rows, answers).wait(60).verified
    assert answers.asked == []


def test_another_check_is_another_question(start_map, model):
    start_map(records(4), model()).wait(60)
    answers = model()
    cell = '"""Say the length of the text in `row`."""\nlength: int\nassert length == len(row["text"])\n'

    start_map(records(4), answers, cell=cell).wait(60)

    assert len(answers.asked) == 4


def test_a_row_that_failed_is_not_bought_again_before_a_retry(start_map, model):
    start_map(records(6), model(wrong)).wait(60)
    answers = model()

    run = start_map(records(6), answers)
    run.wait(60)

    assert answers.asked == []
    assert "in an earlier run: retry() works on it again" in run.failed[0]["error"]
    assert run.retry().wait(60).verified
    assert len(answers.asked) == 1
    assert run.failed == []


def test_fresh_buys_all_of_it_again(start_map, model):
    start_map(records(4), model()).wait(60)
    answers = model()

    start_map(records(4), answers, fresh=True).wait(60)

    assert len(answers.asked) == 4


def test_after_a_limit_only_what_is_missing_is_bought(start_map, model):
    first = start_map(records(100), model(delay=0.005), usd=0.003)
    assert first.wait(60).reason is StopReason.BUDGET_USD
    done = first.progress.verified
    answers = model()

    second = start_map(records(100), answers)

    assert second.wait(60).verified
    assert len(answers.asked) == 100 - done
    assert second.progress.stored == done


def test_rounds_of_a_row_that_was_stopped_count_when_it_goes_on(start_map, model):
    def slow_second(row, times):
        return json.dumps({"length": -times})

    answers = model(slow_second, delay=0.2)
    first = start_map(records(1), answers, iterations=4)
    while len(answers.asked) < 3:
        time.sleep(0.01)
    first.stop()
    first.wait(10)
    more = model(length)

    second = start_map(records(1), more, iterations=4)

    assert second.wait(60).verified
    assert len(more.asked) == 1
    assert second.rows[0]["rounds"] >= 2
    assert second.rows[0]["run"] == first.rows[0]["run"]


KERNEL = """
    import asyncio, json, os, re, sys, threading, time
    sys.path.insert(0, {root!r})
    from tests.mapping.conftest import AnsweringModel, CELL, length
    from tests.mapping.test_map import records
    from jupyter_loops.assemble import Adapters, Options
    from jupyter_loops.execution.sandbox import ZygoteSandbox
    from jupyter_loops.language import parse
    from jupyter_loops.mapping.launch_map import launch_map

    bought = open({bought!r}, "a", buffering=1)

    def answer(row, times):
        bought.write(row + "\\n")
        return length(row, times)

    model = AnsweringModel(answer, delay=0.01)
    options = Options(history={history!r}, sandbox="process")
    run = launch_map(parse(CELL, "task"), records(120), options, stages=[Adapters(model, ZygoteSandbox("process"))])
    while run.progress.verified < 30:
        time.sleep(0.005)
    os.kill(os.getpid(), 9)
"""


def test_a_killed_kernel_loses_no_row_and_none_is_bought_twice(start_map, model, tmp_path):
    bought = tmp_path / "bought"
    root = str(Path(__file__).parents[2])
    code = textwrap.dedent(KERNEL.format(root=root, bought=str(bought), history=start_map.history))
    kernel = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert kernel.returncode == -9, kernel.stderr
    before = bought.read_text().splitlines()
    answers = model()

    run = start_map(records(120), answers)

    assert run.wait(60).verified
    assert [row["length"] for row in run.rows] == list(range(120))
    lost = len(set(before) & set(answers.asked))
    calls = (
        open_history(start_map.history)
        .sql("SELECT count(*) FROM calls WHERE error IS NULL AND ended_at IS NOT NULL")
        .fetchall()[0][0]
    )
    assert calls == 120, "an answer that is on record is not bought again"
    assert lost <= 72, "only calls in flight when the kernel died"
