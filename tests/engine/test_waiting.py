"""A run that waits for a person outlives its kernel: it asks again, and pays for nothing twice."""

import json
import signal
import subprocess
import sys

from jupyter_loops.assemble import resume
from jupyter_loops.history import open_history

CELL = """'Name a mug.'
mug: str
assert mug
assert judge(mug, 'Is it short?') > 0.5
assert approve(mug)
"""
DIES = """
import os, signal
from jupyter_loops import Loop
loop = Loop.from_cell({cell!r}, "mug_name")
die = lambda approval: os.kill(os.getpid(), signal.SIGKILL)
models = dict(model="script:maker.json", judge_model="script:judge.json")
loop.run(**models, sandbox="process", history="h.duckdb", approve=die).wait(60)
"""


def test_a_waiting_run_survives_the_end_of_its_kernel(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "maker.json").write_text(json.dumps(["Ember"]))
    (tmp_path / "judge.json").write_text(json.dumps([json.dumps({"reason": "short", "score": 0.9})]))
    ended = subprocess.run([sys.executable, "-c", DIES.format(cell=CELL)], check=False, timeout=90)
    assert ended.returncode == -signal.SIGKILL

    run = resume("mug_name", history="h.duckdb", auto_approve=True)

    assert run.wait(60).reason == "verified", run
    assert run.values == {"mug": "Ember"}
    history = open_history("h.duckdb")
    kinds = [record["kind"] for record in history.records(run.id)]
    assert kinds.count("approval_requested") == 1  # it was asked, and now it is answered for
    calls = history.sql("SELECT purpose, count(*) FROM calls GROUP BY ALL ORDER BY 1").fetchall()
    assert calls == [("judge", 1), ("plan", 1)]
    assert run.usage.calls == 2
    history.close()
