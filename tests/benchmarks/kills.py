"""Kernels that pursue a real loop are killed at random points, and the next one resumes what is left.

Model answers are scripted, everything else is real: the cycle, the sandbox, the journal, the database. The writer
commits all the time, so that kills meet commits and checkpoints. Some are ipykernels that execute a cell; others,
because they are there at once, are forks of this process. `python tests/benchmarks/kills.py [KERNELS [FORKS [SEED]]]`.
"""

from __future__ import annotations

import asyncio
import os
import queue
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

CELL = "def double(n: int) -> int:\n    'Twice n.'\n\nassert double(2) == 4\nassert double(5) == 10\n"
ANSWER = "```python\ndef double(n):\n    return {}\n```"
ROUNDS = 12  # asked for until the right answer comes
LONGEST = 0.4  # seconds until a kill
AT_WORK = 0.8  # of the kills come after the loop has said something
PATIENCE = 20.0  # seconds to wait for that

Wait = Callable[[], None]


def child(do) -> int:
    """Run `do` in a process of its own, and give its id."""
    pid = os.fork()
    if pid:
        return pid
    try:
        do()
    except BaseException as error:  # noqa: BLE001 - the edge of a process
        print(f"  {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)


class Log:
    """A file that outlives its process; one line a fact."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, line: str) -> None:
        with self.path.open("a") as file:
            file.write(f"{line}\n")

    def lines(self) -> list[list[str]]:
        return [line.split() for line in self.path.read_text().splitlines()] if self.path.exists() else []


class Ear:
    """Puts down what was said to be durable."""

    def __init__(self, log: Log) -> None:
        self.log = log

    def heard(self, record):
        self.log.add(f"heard {record.run} {record.seq}")

    def text(self, run, piece): ...

    def spent(self, run, usage, reserved): ...

    def preparing(self, run, step): ...


def pursue(path: Path, log: Log) -> None:
    """Resume the run that was broken off, or begin one; to its end."""
    from jupyter_loops.assemble import Adapters, Options, launch, stored
    from jupyter_loops.assemble import pursue as go_on
    from jupyter_loops.execution.sandbox import ZygoteSandbox
    from jupyter_loops.history import open_history, writer
    from jupyter_loops.language import parse
    from jupyter_loops.planning.models.replay import ReplayModel

    writer.GATHER = 0.0

    class Model(ReplayModel):
        async def complete(self, prompt, sampling, on_text=None):
            asked = sum(line[0] == "asked" for line in log.lines())
            log.add("asked")
            await asyncio.sleep(random.random() * 0.02)
            last = asked % ROUNDS == ROUNDS - 1
            self._answers = iter([ANSWER.format("2 * n" if last else asked + 1000)])
            return await super().complete(prompt, sampling)

    history = open_history(path)
    adapters = Adapters(Model([]), ZygoteSandbox(isolation="process"))
    options = Options(iterations=None, usd=None, time=None, tokens=10**9, patience=10**6, fresh=True, history=str(path))
    found = history.broken_off("kill")
    if found is not None:
        run = go_on(stored(found.run_id, str(path)).resumed(), {}, [Ear(log)], adapters)
    else:
        run = launch(parse(CELL, "kill"), options, {}, [Ear(log)], adapters)
    end = run.wait()
    assert end.verified, end
    history.close()


def check(path: Path, log: Log) -> None:
    """Everything that has to hold after any kill. Raises AssertionError."""
    from jupyter_loops.history import History

    history = History(path)
    assert history.verify() == [], history.verify()[:3]
    stored = {run: rest for run, *rest in history.sql("SELECT run_id, max(seq), count(*) FROM events GROUP BY 1")}
    for run, (last, count) in stored.items():
        assert last == count, f"{run}: {count} events, the last is {last}"
    for _, run, seq in (line for line in log.lines() if line[0] == "heard"):
        assert int(seq) <= stored.get(run, [0])[0], f"{run}: event {seq} was durable, and is missing"
    answered = "SELECT run_id, iteration FROM calls WHERE error IS NULL AND ended_at IS NOT NULL"
    twice = history.sql(f"{answered} GROUP BY ALL HAVING count(*) > 1").fetchall()
    assert not twice, f"an answer was paid for twice: {twice}"
    asked = sum(line[0] == "asked" for line in log.lines())
    ((calls,),) = history.sql("SELECT count(*) FROM calls").fetchall()
    assert asked <= calls, f"{asked} questions left, {calls} are on record"
    folder = path.with_name(f"{path.name}.journal")
    assert not list(folder.glob("*.damaged"))
    history.close()


def numbers(path: Path) -> None:
    from jupyter_loops.history import History

    history = History(path)
    row = history.sql(
        """SELECT count(*), coalesce(sum(resumed), 0), count(*) FILTER (stop_reason = 'verified'),
                  (SELECT count(*) FROM events), (SELECT count(*) FROM calls WHERE error IS NULL),
                  (SELECT count(*) FROM calls WHERE error = 'lost') FROM runs"""
    ).fetchall()[0]
    names = ("runs", "resumed", "verified", "events", "answers", "calls in flight when killed")
    print("  " + ", ".join(f"{value} {name}" for name, value in zip(names, row, strict=True)), flush=True)
    history.close()


def done(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def moment(log: Log, chance: random.Random) -> Wait:
    """Waits for a random point: of any time at all, or, mostly, from when something durable was said on."""
    said, begun, seconds = len(log.lines()), time.monotonic(), chance.uniform(0.0, LONGEST)
    at_work = chance.random() < AT_WORK

    def wait() -> None:
        while at_work and len(log.lines()) == said and time.monotonic() < begun + PATIENCE:
            time.sleep(0.002)
        time.sleep(seconds)

    return wait


def fork(path: Path, log: Log, wait: Wait) -> bool:
    """Let a fork pursue the loop, and kill it when the moment has come; whether it was still at work."""
    pid = child(lambda: pursue(path, log))
    wait()
    os.kill(pid, signal.SIGKILL)
    code = done(pid)
    assert code in {0, -signal.SIGKILL}, f"a process failed with {code}"
    return code == -signal.SIGKILL


Pursuing = Callable[[Path, Log, Wait], bool]


class Kernels:
    """ipykernels: while one is at work, the next begins."""

    def __init__(self) -> None:
        self._beginning, self._next = ThreadPoolExecutor(1), Future()
        self._next = self._beginning.submit(self._begin)

    def _begin(self):
        from jupyter_client.manager import start_new_kernel

        here = Path(__file__).parent
        manager, client = start_new_kernel(stderr=subprocess.DEVNULL, cwd=here)
        client.execute("from pathlib import Path; import kills; kills.preload()", reply=True, timeout=60)
        return manager, client

    def pursue(self, path: Path, log: Log, wait: Wait) -> bool:
        """Let a kernel execute the cell, and kill it when the moment has come; whether it was still at work."""
        (manager, client), self._next = self._next.result(), self._beginning.submit(self._begin)
        try:
            client.execute(f"kills.pursue(Path({str(path)!r}), kills.Log(Path({str(log.path)!r})))")
            wait()
            manager.signal_kernel(signal.SIGKILL)
            try:
                reply = client.get_shell_msg(timeout=0.1)["content"]
            except queue.Empty:
                return True
            assert reply["status"] == "ok", f"a kernel failed: {reply}"
            return False
        finally:
            end(manager, client)

    def close(self) -> None:
        end(*self._next.result())
        self._beginning.shutdown()


def end(manager, client) -> None:
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def kill(times: int, folder: Path, seed: int, begin: Pursuing = fork, every: int = 20) -> int:
    """Kill so many at work, check every so often; gives how many it took."""
    path, log, chance, hit, tries = folder / "history.duckdb", Log(folder / "log"), random.Random(seed), 0, 0
    while hit < times:
        tries += 1
        hit += begin(path, log, moment(log, chance))
        if hit == times or tries % every == 0:
            assert done(child(lambda: check(path, log))) == 0, f"after {hit} kills"
    assert done(child(lambda: pursue(path, log))) == 0  # what is left can be brought to its end
    assert done(child(lambda: check(path, log))) == 0
    return tries


def preload() -> None:
    """What every process needs, imported once."""
    import duckdb

    import jupyter_loops.assemble
    import jupyter_loops.execution.sandbox
    import jupyter_loops.planning.planner
    import jupyter_loops.verification.verifier

    assert duckdb
    assert jupyter_loops.assemble


def say(what: str, times: int, seed: int, begin: Pursuing) -> None:
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        tries = kill(times, Path(folder), seed, begin)
        print(f"  {times} kills of {tries} {what} in {time.perf_counter() - start:.0f} s: the file opens,")
        print("  no durable event is missing, no answer was paid for twice, every chain verifies")
        done(child(lambda: numbers(Path(folder) / "history.duckdb")))


def main() -> None:
    kernels, forks, seed = [*map(int, sys.argv[1:]), *(200, 100, 7)[len(sys.argv) - 1 :]]
    preload()
    say("forks", forks, seed, fork)
    started = Kernels()
    try:
        say("ipykernels", kernels, seed, started.pursue)
    finally:
        started.close()


if __name__ == "__main__":
    main()
