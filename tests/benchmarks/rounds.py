"""What a durable round costs beyond model and sandbox: engine, journal and history.

The real cycle, the real history file; the model answers at once (2 KB prompt, 2 KB answer) and says, as providers do,
what it used; the sandbox is left out: a trivial candidate with one trivial check, evaluated in the process. LangGraph
does the same work in the same run.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from target import beside

ROOT = Path(__file__).parents[2]
PEER = ROOT / ".bench/langgraph/bin/python"
ROUNDS = 200
MOST = {"LangGraph sqlite sync": 0.4, "LangGraph sqlite sync, transcript": 0.15}  # of each peer's median


class InProcess:
    """A sandbox that is none: it says what a trivial candidate and its check would have said."""

    def __init__(self) -> None:
        from jupyter_loops.core.candidate import Delivery, Exit, Layer, Observation, Verdict

        self._observation = Observation(exit=Exit.OK, isolation="none", seconds=1e-4)
        self._verdict = Verdict(
            check="answer == 0", layer=Layer.CHECKS, passed=False, message="answer is 1", index=1, seconds=1e-4
        )
        self._delivery = Delivery()

    async def open(self, world):
        from jupyter_loops.core.ports import Readiness

        return Readiness(isolation="none")

    def attempt(self, candidate):
        return self

    async def __aenter__(self):
        return self

    async def __aexit__(self, *error):
        pass

    async def execute(self):
        return self._observation

    async def examine(self, checks, answer=None):
        return [self._verdict], self._observation

    async def deliver(self):
        return self._delivery

    async def close(self):
        pass


def ours(rounds: int = ROUNDS) -> list[float]:
    """Seconds of each round."""
    from jupyter_loops.assemble import Adapters, Options, launch
    from jupyter_loops.core.events import IterationFinished
    from jupyter_loops.core.message import Completion
    from jupyter_loops.history import open_history
    from jupyter_loops.language import parse
    from jupyter_loops.planning.models.replay import ReplayModel

    class Stamps:
        def __init__(self):
            self.at = []

        def heard(self, record):
            if isinstance(record.event, IterationFinished):
                self.at.append(time.perf_counter())

        def text(self, run, piece): ...

        def spent(self, run, usage, reserved): ...

        def preparing(self, run, step): ...

    stamps, folder = Stamps(), tempfile.mkdtemp()
    recipe = parse(f'"""{"g" * 2000}"""\nanswer: int\nassert answer == 0\n', "bench")
    texts = [json.dumps({"answer": n, "pad": "a" * 2000}) for n in range(1, rounds + 1)]
    answers = [Completion(text=text, prompt_tokens=1000, completion_tokens=500, seconds=1e-4) for text in texts]
    options = Options(iterations=rounds, usd=None, time=None, history=f"{folder}/history.duckdb", patience=10**6)
    run = launch(recipe, options, listeners=[stamps], adapters=Adapters(ReplayModel(answers), InProcess()))
    end = run.wait()
    assert end.reason == "iterations", end
    open_history(f"{folder}/history.duckdb").close()
    shutil.rmtree(folder)
    return [later - earlier for earlier, later in zip(stamps.at, stamps.at[1:], strict=False)]


def langgraph(*how: str) -> list[float]:
    """Seconds of each round of the peer."""
    said = subprocess.run(
        [PEER, Path(__file__).with_name("langgraph_peer.py"), str(ROUNDS), *how],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(said.stdout.splitlines()[-1])


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    seconds = {"jupyter-loops": [], "LangGraph sqlite sync": [], "LangGraph sqlite sync, transcript": []}
    for _ in range(runs):
        seconds["jupyter-loops"].append(ours())
        if PEER.exists():
            seconds["LangGraph sqlite sync"].append(langgraph())
            seconds["LangGraph sqlite sync, transcript"].append(langgraph("transcript"))
    print(f"\n  {ROUNDS} rounds, median of {runs} interleaved runs; a flat run has last/first near 1")
    print(f"  {'':36}{'median ms':>10}{'mean ms':>10}{'p95 ms':>10}{'last/first':>12}{'ours / it':>11}")
    mine = None
    for name, samples in seconds.items():
        if not samples:
            print(f"  {name:36}not installed: run through `make bench`")
            continue
        median = statistics.median(statistics.median(one) for one in samples)
        mean = statistics.median(statistics.fmean(one) for one in samples)
        p95 = statistics.median(sorted(one)[int(len(one) * 0.95)] for one in samples)
        tenth = ROUNDS // 10
        drift = statistics.median(statistics.fmean(one[-tenth:]) / statistics.fmean(one[:tenth]) for one in samples)
        mine = mine or median
        share = f"{'':11}   {beside(median * 1e3, 1, 'ms')}"
        if name in MOST:
            share = f"{mine / median:11.2f}   {beside(mine / median, MOST[name], 'x')}"
        print(f"  {name:36}{median * 1e3:10.3f}{mean * 1e3:10.3f}{p95 * 1e3:10.3f}{drift:12.2f}{share}")
    long = ours(500)
    first, last = statistics.median(long[:50]) * 1e3, statistics.median(long[-50:]) * 1e3
    print(f"  500 rounds, medians: {first:.3f} ms in the first 50, {last:.3f} ms in the last 50")


if __name__ == "__main__":
    main()
