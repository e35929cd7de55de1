"""What the history adds to one durable round, how fast it drains, and how fast it answers.

A round is what the engine says in one: eleven events, some of them at once, with a 2 KB prompt and a 2 KB answer.
Runs at once are on one event loop, as those of a kernel are; beside it as many threads, which no kernel has.
`python tests/benchmarks/history.py [ROUNDS] [FOLDER]`; milliseconds are medians.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from jupyter_loops.core.candidate import Exit, Layer, Observation, Verdict
from jupyter_loops.core.events import (
    CallFinished,
    CallStarted,
    CandidateExecuted,
    CandidateProposed,
    ChecksEvaluated,
    Event,
    IterationFinished,
    Record,
    RunEnded,
    RunStarted,
    StateChanged,
)
from jupyter_loops.history import History, writer

TEXT = "lorem ipsum dolor " * 114  # 2 KB


def began() -> Event:
    return RunStarted(
        loop="bench", goal="g", source="cell", fingerprint="f", model="m", isolation="none", budget={"usd": 1.0},
        price=None, options={}, targets=["x"], checks=[{"name": "x == 1", "hidden": False, "kind": "assert"}],
    )  # fmt: skip


def a_round(n: int) -> Iterator[tuple[Event, ...]]:
    """The events of one round, those together that the engine's cycle says together."""
    usage = {"usd": 0.001, "tokens": 1000, "seconds": 0.5}
    yield (StateChanged(iteration=n, source="decide", to="plan"),)
    yield (CallStarted(
        call=n, iteration=n, purpose="plan", model="m", messages=[{"role": "user", "content": f"{n} {TEXT}"}],
        parts=[{"name": "goal", "tokens": 500, "dropped": 0}], sampling={"temperature": 0.2}, reserved_usd=0.01,
        reserved_tokens=2000,
    ),)  # fmt: skip
    yield (CallFinished(call=n, iteration=n, text=f"{TEXT} {n}", prompt_tokens=500, completion_tokens=500, usd=0.001),)
    yield (CandidateProposed(iteration=n, candidate_kind="code", text=f"x = {n}", digest=str(n)),)
    yield (StateChanged(iteration=n, source="plan", to="execute"),)
    observed = CandidateExecuted(iteration=n, observation=Observation(exit=Exit.OK, stdout=f"{n}\n", seconds=0.01))
    observing = StateChanged(iteration=n, source="execute", to="observe")
    yield observing, observed, StateChanged(iteration=n, source="observe", to="verify")
    yield (
        ChecksEvaluated(
            iteration=n, verdicts=[Verdict(check="x == 1", layer=Layer.CHECKS, passed=False)], seconds=0.01
        ),
    )
    yield StateChanged(iteration=n, source="verify", to="decide"), IterationFinished(
        iteration=n, passed=0, total=1, progress=0.5, score=None, best=False, why="x == 1", phases=[["plan", 0.5]],
        usage=usage,
    )  # fmt: skip


STEPS, EVENTS = len(list(a_round(1))), sum(map(len, a_round(1)))  # of a round


def ended(rounds: int) -> Event:
    usage = {"usd": 1.0, "tokens": 1, "seconds": 1.0, "calls": rounds}
    return RunEnded(reason="iterations", message="enough", usage=usage, iterations=rounds, best=None)


def live(history: History, run: str, rounds: int) -> Iterator[float]:
    """Write one run, step by step; seconds of each step."""
    numbers = count(1)

    def say(*events: Event) -> None:
        history.append(*[Record(run, next(numbers), datetime.now(UTC), event) for event in events])

    say(began())
    for n in range(1, rounds + 1):
        for events in list(a_round(n)):
            start = time.perf_counter()
            say(*events)
            yield time.perf_counter() - start
    say(ended(rounds))


def each_round(steps: Iterator[float]) -> list[float]:
    """Seconds of each round."""
    seconds = list(steps)
    return [sum(seconds[first : first + STEPS]) for first in range(0, len(seconds), STEPS)]


def written() -> int:
    lines = Path("/proc/self/io").read_text().splitlines() if Path("/proc/self/io").exists() else []
    return next((int(line.split()[1]) for line in lines if line.startswith("wchar")), 0)


def say(name: str, **numbers: float) -> None:
    print(f"  {name:24}", ", ".join(f"{key.replace('_', ' ')} {value:.4g}" for key, value in numbers.items()))


def floor(folder: Path, flushes: int = 300) -> float:
    """Seconds that two appends of 2 KB take with a flush each: what a durable round costs the disk at least."""
    seconds = []
    with (folder / "floor").open("wb", buffering=0) as file:
        for _ in range(flushes):
            start = time.perf_counter()
            for _ in range(2):
                file.write(b"x" * 2048)
                os.fsync(file.fileno())
            seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def durable_round(history: History, rounds: int) -> None:
    each_round(live(history, "warm-up", 20))
    bare = floor(history.path.parent)
    before, cpu = written(), time.thread_time()
    seconds = each_round(live(history, "one", rounds))
    cpu = time.thread_time() - cpu
    tenth = rounds // 10
    say(
        "durable round",
        ms=1e3 * statistics.median(seconds),
        cpu_ms=1e3 * cpu / rounds,
        bare_disk_ms=1e3 * bare,
        p95_ms=1e3 * sorted(seconds)[int(rounds * 0.95)],
        last_to_first_tenth=statistics.median(seconds[-tenth:]) / statistics.median(seconds[:tenth]),
        kb_written=(written() - before) / rounds / 1e3,
    )


async def on_one_loop(history: History, runs: int, rounds: int) -> None:
    async def one(n: int) -> None:
        for _ in live(history, f"loop-{n}", rounds):
            await asyncio.sleep(0)

    await asyncio.gather(*map(one, range(runs)))


def on_threads(history: History, runs: int, rounds: int) -> None:
    threads = [threading.Thread(target=each_round, args=(live(history, f"thread-{n}", rounds),)) for n in range(runs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def many_runs(history: History, runs: int, rounds: int = 20) -> None:
    ways = {
        "runs at once": lambda: asyncio.run(on_one_loop(history, runs, rounds)),
        "threads": lambda: on_threads(history, runs, rounds),
    }
    for name, way in ways.items():
        start = time.perf_counter()
        way()
        say(f"{runs} {name}", rounds_per_s=runs * rounds / (time.perf_counter() - start))
        history.flush()


def draining(history: History, rounds: int) -> None:
    """All at once, while nothing else goes on."""
    gather, writer.GATHER = writer.GATHER, 3600.0
    try:
        time.sleep(gather)  # until the writer has looked for the last time
        each_round(live(history, "drained", rounds))
        start = time.perf_counter()
        history.flush()
        say("draining", rounds_per_s=rounds / (time.perf_counter() - start))
    finally:
        writer.GATHER = gather


def queries(history: History) -> None:
    for name, query in {
        "summary of a run": "FROM run_summary WHERE run_id = 'one'",
        "last 50 rounds": "FROM iterations WHERE run_id = 'one' ORDER BY iteration DESC LIMIT 50",
        "cost by model and day": "FROM cost_by_day",
        "latency": "FROM latency",
    }.items():
        seconds = []
        for _ in range(15):
            start = time.perf_counter()
            history.sql(query)
            seconds.append(time.perf_counter() - start)
        say(f"query: {name}", ms=1e3 * statistics.median(seconds))


def main() -> None:
    rounds = int(sys.argv[1]) if sys.argv[1:] else 500
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if sys.argv[2:] else None) as folder:
        path = Path(folder) / "history.duckdb"
        history = History(path)
        start = time.perf_counter()
        assert history.journal
        say("open a new history", ms=1e3 * (time.perf_counter() - start))
        durable_round(history, rounds)
        many_runs(history, runs=rounds // 5)
        draining(history, rounds * 2)
        queries(history)
        history.close()
        say("file", mb=path.stat().st_size / 1e6)


if __name__ == "__main__":
    main()
