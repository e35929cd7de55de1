"""What is forked in a notebook, by hand, by multiprocessing or joblib, is no kernel: it inherits nothing of ours."""

import subprocess
import sys

BEGIN = """
import json, multiprocessing, os, signal, sys, tempfile, time
from jupyter_loops import Loop
from jupyter_loops.history import open_history
from jupyter_loops.history.lock import FileLock
from jupyter_loops.notebook import life

folder = tempfile.mkdtemp(dir=sys.argv[1])
answer = "```python\\ndef double(n):\\n    return {}\\n```"

def a_run(name, rounds=3, delay=0.0):
    script = os.path.join(folder, name + ".json")
    with open(script, "w") as file:
        answers = [answer.format(i) for i in range(rounds - 1)] + [answer.format("n * 2")]
        json.dump({"answers": answers, "delay": delay}, file)
    cell = "def double(n: int) -> int:\\n    'Twice n.'\\n\\nassert double(2) == 4\\nassert double(5) == 10\\n"
    return Loop.from_cell(cell, name).run(
        model="script:" + script, history=os.path.join(folder, "h.duckdb"), fresh=True, iterations=rounds + 2,
        tokens=10**9, usd=None, patience=10**6,
    )

def forked(work):
    child = os.fork()
    if not child:
        work()
        os._exit(0)
    return child

def ended(child, seconds=60):
    begun = time.monotonic()
    while time.monotonic() < begun + seconds:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status), time.monotonic() - begun
        time.sleep(0.01)
    os.kill(child, 9)
    return "hung", seconds

life.guard()
history = open_history(os.path.join(folder, "h.duckdb"))
assert a_run("first").wait(60).verified
"""


def told(code, tmp_path):
    done = subprocess.run([sys.executable, "-c", BEGIN + code, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout.splitlines()


def test_a_child_that_exits_is_quick_and_clean_and_ends_no_run_of_its_parent(tmp_path):
    code = """
live = a_run("live", rounds=30, delay=0.05)
time.sleep(0.5)
child = os.fork()
if not child:
    sys.exit(7)
status, seconds = ended(child)
print(status, seconds < 2.9, live.wait(60).reason, [str(one) for one in history.verify()])
"""
    assert told(code, tmp_path) == ["7 True verified []"]


def test_a_child_has_no_handler_of_ours_and_dies_of_a_signal_at_once(tmp_path):
    code = """
live = a_run("live", rounds=30, delay=0.05)
child = forked(lambda: time.sleep(30))
time.sleep(0.3)
os.kill(child, signal.SIGTERM)
status, seconds = ended(child)
with multiprocessing.get_context("fork").Pool(2) as pool:
    lengths = pool.map(len, ["a", "bb"])
print(status, seconds < 1, lengths, signal.getsignal(signal.SIGTERM) is life._terminated, live.wait(60).reason)
"""
    assert told(code, tmp_path) == ["-15 True [1, 2] True verified"]


def test_a_lock_is_not_kept_by_a_child_that_was_forked_while_it_was_held(tmp_path):
    code = """
held = FileLock.wait(history.path.with_name("h.duckdb.journal") / "turnstile", 1.0)
claim = history.claim("20261122T000000-aaaa")
child = forked(lambda: time.sleep(30))
held.close()
claim.close()
print(FileLock.wait(history.path.with_name("h.duckdb.journal") / "turnstile", 5.0) is not None)
history.claim("20261122T000000-aaaa").close()
os.kill(child, 9)
"""
    assert told(code, tmp_path) == ["True"]


def test_a_child_may_ask_and_run_on_its_own(tmp_path):
    code = """
history.flush()
def work():
    print(history.sql("SELECT count(*) FROM runs").fetchall(), a_run("child").wait(60).reason, flush=True)
status, _ = ended(forked(work))
print(status, history.sql("SELECT loop FROM runs ORDER BY loop").fetchall(), [str(one) for one in history.verify()])
"""
    assert told(code, tmp_path) == ["[(1,)] verified", "0 [('child',), ('first',)] []"]
