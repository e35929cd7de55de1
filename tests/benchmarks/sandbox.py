"""What isolation costs: a candidate's round trip, the zygote's start, the kill, and a large DataFrame's way in.

Beside it, in the same run and interleaved, the cheapest fresh interpreter that does the same work.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path

from target import beside

from jupyter_loops.core.candidate import Candidate, CandidateKind, Limits
from jupyter_loops.core.ports import World
from jupyter_loops.core.recipe import Check, Recipe, Target, TargetKind
from jupyter_loops.execution.pool import pool as shared_pool
from jupyter_loops.execution.sandbox import ZygoteSandbox

CHECK = Check(name="f(7) == 50", source="assert f(7) == 50", line=5)
LEVELS = ("process", "landlock", "bubblewrap")
PAUSE = 0.03  # seconds before a trip, in which its two processes are made ready; a model's answer takes longer
PANDAS = "import numpy as np, pandas as pd"
BARE_TEXT = "def f(x): return x * x + 1"
BUSY_TEXT = f"import time\nend = time.process_time() + 0.02\nwhile time.process_time() < end: pass\n{BARE_TEXT}"
PANDAS_TEXT = "def f(x): return int(pd.Series(np.arange(x + 1)).iloc[-1]) ** 2 + 1"
HOSTILE = {
    "endless loop": ("while True: pass", Limits(seconds=0.3)),
    "CPU": ("while True: pass", Limits(cpu_seconds=0.3)),
    "fork bomb": ("import os\nwhile True: os.fork()", Limits(processes=16)),
    "memory over processes": (
        "import os, time\nfor _ in range(6):\n if not os.fork(): x = b'x' * 50_000_000; time.sleep(9)\ntime.sleep(9)",
        Limits(memory_bytes=150 * 1024**2),
    ),
    "print flood": ("while True: print('x' * 1000)", Limits(output_bytes=10_000)),
    "daemon and loop": ("import os\nif not os.fork(): os.setsid()\nwhile True: pass", Limits(seconds=0.3)),
}


def recipe(setup: str = "", check: Check = CHECK) -> Recipe:
    stub = Target(name="f", kind=TargetKind.FUNCTION, source="def f(x): ...")
    return Recipe(name="bench", goal="", targets=(stub,), checks=(check,), setup=setup)


@contextlib.asynccontextmanager
async def opened(level: str, setup: str = "", limits: Limits | None = None) -> AsyncIterator[ZygoteSandbox]:
    sandbox = ZygoteSandbox(level, watched=False)
    try:
        await sandbox.open(World(recipe=recipe(setup), limits=limits or Limits()))
        yield sandbox
    finally:
        await sandbox.close()


async def trip(sandbox: ZygoteSandbox, text: str) -> float:
    began = time.perf_counter()
    async with sandbox.attempt(Candidate(kind=CandidateKind.CODE, text=text)) as attempt:
        await attempt.execute()
        verdicts, _ = await attempt.examine((CHECK,))
    assert verdicts[0].passed, verdicts
    return time.perf_counter() - began


def fresh(setup: str, text: str) -> float:
    """Seconds of the cheapest fresh interpreter; with pandas it needs to be shown where that is."""
    packages = [path for path in sys.path if path.endswith("site-packages")]
    program = f"import sys; sys.path += {packages!r}\n" if setup else ""
    began = time.perf_counter()
    program += f"{setup}\n{text}\nassert f(7) == 50"
    subprocess.run([sys.executable, "-I", "-S", "-c", program], check=True)
    return time.perf_counter() - began


async def trips(name: str, program: tuple[str, str], times: tuple[int, int], bound: tuple[float, float]) -> None:
    """Trips at each level: after a pause, as a model's answer takes, and at once after the trip before."""
    setup, text = program
    seconds: dict[str, list[float]] = defaultdict(list)
    async with contextlib.AsyncExitStack() as stack:
        boxes = {level: await stack.enter_async_context(opened(level, setup)) for level in LEVELS}
        for n in range(times[0]):
            for level, box in boxes.items():
                await asyncio.sleep(PAUSE)
                seconds[level].append(await trip(box, text))
            if n % (times[0] // times[1]) == 0:
                seconds["fresh interpreter"].append(fresh(setup, text))
        for level, box in boxes.items():
            seconds[f"{level}, at once"] = [await trip(box, text) for _ in range(times[0])]
    other = statistics.median(seconds["fresh interpreter"])
    for case, samples in seconds.items():
        median, p95 = statistics.median(samples), sorted(samples)[int(len(samples) * 0.95)]
        wanted = ""
        if case in LEVELS:
            wanted = f"   {beside(median * 1e3, bound[0] * 1e3, 'ms')}, {beside(median / other, bound[1], 'x')}"
        print(f"  {name:10}{case:20}{median * 1e3:9.2f} ms{p95 * 1e3:9.2f} ms{median / other:9.3f} x{wanted}")
    process, landlock = (statistics.median(seconds[level]) for level in ("process", "landlock"))
    print(f"  {name:10}landlock beside process{landlock / process:15.3f} x   {beside(landlock / process, 1.1, 'x')}")


async def side_by_side(level: str, runs: int, times: int) -> None:
    """Trips of several runs at once, beside the same number of one run, and candidates that compute for 20 ms."""
    async with contextlib.AsyncExitStack() as stack:
        boxes = [await stack.enter_async_context(opened(level)) for _ in range(runs)]
        for name, text in {"small": BARE_TEXT, "20 ms of CPU": BUSY_TEXT}.items():
            rates = []
            for several in (boxes[:1], boxes):
                each, began = times // len(several), time.perf_counter()
                await asyncio.gather(*(_again(box, text, each) for box in several))
                rates.append(each * len(several) / (time.perf_counter() - began))
            one, many = rates
            print(
                f"  {runs} runs at once, {name:14}{level:12}{many:9.1f} trips/s, one run {one:.1f}: {many / one:.2f} x"
                f" on {shared_pool().places} cores"
            )


async def _again(sandbox: ZygoteSandbox, text: str, times: int) -> None:
    for _ in range(times):
        await trip(sandbox, text)


async def starts(level: str, times: int = 15) -> None:
    samples = []
    for _ in range(times):
        began = time.perf_counter()
        async with opened(level):
            samples.append(time.perf_counter() - began)
    median = statistics.median(samples) * 1e3
    print(f"  zygote ready, bare, {level:20}{median:9.1f} ms   {beside(median, 150, 'ms')}")


async def kills(level: str) -> None:
    for name, (text, limits) in HOSTILE.items():
        async with opened(level, limits=limits) as sandbox:
            samples = []
            for _ in range(3):
                async with sandbox.attempt(Candidate(kind=CandidateKind.CODE, text=text)) as attempt:
                    observation = await attempt.execute()
                samples.append(observation.kill_seconds or 0.0)
        worst = max(samples)
        print(
            f"  kill, {name:24}{level:12}{observation.exit:11}{worst * 1e3:9.1f} ms   {beside(worst * 1e3, 200, 'ms')}"
        )


async def transfer(level: str) -> None:
    import numpy as np
    import pandas as pd

    frame = pd.DataFrame({f"c{n}": np.arange(12_500_000.0) for n in range(10)})  # 1 GB
    sandbox, before = ZygoteSandbox(level, watched=False), resident()
    world = World(recipe=recipe(PANDAS), names={"frame": frame}, limits=Limits(seconds=60))
    began = time.perf_counter()
    await sandbox.open(world)
    took, grown = time.perf_counter() - began, resident() - before
    one, two = [await trip(sandbox, "def f(x): return int(frame.c3.iloc[7]) ** 2 + 1") for _ in "ab"]
    await sandbox.close()
    size = frame.memory_usage(index=False).sum()
    print(f"  1 GB DataFrame, {level:24}{took:9.2f} s    {beside(took, 2, 's')}")
    print(f"  growth of the kernel by it{'':15}{grown / size:9.1%}      {beside(100 * grown / size, 10, '%')}")
    print(f"  the first trip after it, with the wait until the data was looked at {one * 1e3:9.2f} ms")
    print(f"  the second{'':30}{two * 1e3:9.2f} ms")


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


async def main() -> None:
    print(f"  {'':30}{'median':>12}{'p95':>12}{'of fresh':>11}")
    times = int(sys.argv[1]) if sys.argv[1:] else 200
    await trips("bare", ("", BARE_TEXT), (times, times // 5), (0.004, 0.5))
    await trips("pandas", (PANDAS, PANDAS_TEXT), (times // 2, 5), (0.008, 0.03))
    for level in ("process", "bubblewrap"):
        await starts(level)
    for level in ("process", "bubblewrap"):
        await side_by_side(level, 8, max(times // 2, 16))
    for level in ("process", "bubblewrap"):
        await kills(level)
    await transfer("bubblewrap")


if __name__ == "__main__":
    asyncio.run(main())
