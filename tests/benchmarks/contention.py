"""Eight processes write runs into one history while another one asks as fast as it can.

A table of how long each writer took to append and to commit, and how long the reader waited for its answers.
`python tests/benchmarks/contention.py [ROUNDS] [WRITERS]`
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WRITERS, SLOWEST = 8, 3.0  # times the mean that the slowest writer may take


def write(path: str, run: str, rounds: int) -> None:
    """One writer: commits every ten rounds, as soon as it gets the file."""
    from history import STEPS, live

    from jupyter_loops.history import History

    history, appends, commits = History(path), [], []
    assert history.journal
    print("ready", flush=True)
    sys.stdin.readline()
    start = time.perf_counter()
    for seconds in live(history, run, rounds):
        appends.append(seconds)
        if len(appends) % (10 * STEPS) == 0:
            began_at = time.perf_counter()
            history.flush()
            commits.append(time.perf_counter() - began_at)
    history.flush()
    seconds = time.perf_counter() - start
    history.close()
    print(json.dumps({"seconds": seconds, "append": max(appends), "commits": commits, "notices": history.notices}))


def read(path: str) -> None:
    """The reader: asks until its input ends, without a pause."""
    import threading

    from jupyter_loops.history import History

    history, waits, over = History(path), [], threading.Event()
    history.sql("SELECT 1")
    print("ready", flush=True)
    sys.stdin.readline()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    while not over.is_set():
        start = time.perf_counter()
        history.sql("SELECT count(*), sum(usd) FROM calls")
        waits.append(time.perf_counter() - start)
    print(json.dumps({"waits": waits, "notices": history.notices}), flush=True)
    history.close()


def start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, __file__, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def tell(process: subprocess.Popen[str]) -> dict:
    said = json.loads(process.communicate(timeout=300)[0].splitlines()[-1])
    assert process.returncode == 0, process.returncode
    return said


def contend(path: Path, rounds: int, writers: int = WRITERS) -> tuple[list[dict], dict]:
    """What each writer said, and the reader."""
    processes = [start("write", path, f"run-{n}", rounds) for n in range(writers)]
    reader = start("read", path)
    for process in (*processes, reader):
        assert process.stdout.readline() == "ready\n"
    for process in (*processes, reader):
        process.stdin.write("go\n")
        process.stdin.flush()
    written = [tell(process) for process in processes]
    return written, tell(reader)


def spread(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    middle, late = statistics.median(ordered), ordered[int(len(ordered) * 0.95)]
    return f"{middle * 1e3:9.1f}{late * 1e3:9.1f}{ordered[-1] * 1e3:9.1f}"


def main() -> None:
    rounds = int(sys.argv[1]) if sys.argv[1:] else 100
    writers = int(sys.argv[2]) if sys.argv[2:] else WRITERS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.duckdb"
        written, asked = contend(path, rounds, writers)
        from history import EVENTS

        from jupyter_loops.history import History

        history = History(path)
        ((events,),) = history.sql("SELECT count(*) FROM events").fetchall()
        assert events == writers * (EVENTS * rounds + 2), events
        assert history.verify() == []
        history.close()
    print(f"  {writers} writers of {rounds} rounds, a commit every 10, one reader without a pause; milliseconds")
    print(f"  {'':22}{'count':>7}{'median':>9}{'p95':>9}{'longest':>9}")
    commits = [seconds for one in written for seconds in one["commits"]]
    print(f"  {'a commit':22}{len(commits):7}{spread(commits)}")
    print(f"  {'an answer':22}{len(asked['waits']):7}{spread(asked['waits'])}")
    print(f"  {'longest append':22}{writers:7}{spread([one['append'] for one in written])}")
    seconds = [one["seconds"] for one in written]
    print(
        f"  slowest writer {max(seconds):.2f} s, quickest {min(seconds):.2f} s, fair within {SLOWEST:g} times the mean"
    )
    notices = [notice for one in (*written, asked) for notice in one["notices"]]
    print(f"  nothing lost, every chain verifies; notices: {notices or 'none'}")


if __name__ == "__main__":
    {"write": lambda: write(sys.argv[2], sys.argv[3], int(sys.argv[4])), "read": lambda: read(sys.argv[2])}.get(
        sys.argv[1] if sys.argv[1:] else "", main
    )()
