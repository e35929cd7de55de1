"""Two notebooks and a foreign reader on one history file."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUNS, ROUNDS = 4, 3
READER = """
import sys, time
from jupyter_loops.history import open_history
history, asked = open_history(sys.argv[1]), 0
while not sys.stdin.closed and time.time() < float(sys.argv[2]):
    rows = history.sql("SELECT count(*) FROM events JOIN runs USING (run_id)").fetchall()
    asked += 1
print(asked, rows[0][0], *history.notices)
"""


@pytest.fixture
def stories(cell, wrong, right):
    """Cells by name: some wrong rounds, then the right one."""
    return lambda who, n: cell(*[wrong] * (ROUNDS - 1), right, name=f"shared_{who}_{n}", delay=0.1)


def test_two_notebooks_and_a_reader_lose_nothing_and_see_no_lock(kernels, folder, stories):
    pair = kernels(), kernels()
    path = folder / "history.duckdb"
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(path), str(time.time() + 6)],
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    waiting = [(kernel, kernel.start(stories(who, n))) for n in range(RUNS) for who, kernel in enumerate(pair)]
    replies = [kernel.finish(message) for kernel, message in waiting]
    told, complaints = reader.communicate(timeout=30)

    assert [reply.error for reply in replies if not reply.ok] == []
    assert not any("lock" in line.lower() for reply in replies for line in reply.screen)
    assert complaints == ""
    assert int(told.split()[0]) >= 5
    assert len(told.split()) == 2  # nothing but the two numbers: no notice
    third = kernels()
    stored = third.run("%loop_sql --to rows SELECT loop, stop_reason::VARCHAR, iterations FROM runs ORDER BY loop")
    names = [f"shared_{who}_{n}" for who in range(2) for n in range(RUNS)]
    assert [row[0] for row in ast.literal_eval(stored.result)] == names
    assert {row[1:] for row in ast.literal_eval(stored.result)} == {("verified", ROUNDS)}
    assert third.run("from jupyter_loops import history; history.open_history().verify()").result == "[]"
