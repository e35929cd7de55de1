"""What verification costs beside the user's own checks: 20 asserts on a child that waits, and one of 10,000 calls."""

from __future__ import annotations

import asyncio
import statistics
import sys
import time

from target import beside

from jupyter_loops.core.candidate import Candidate, CandidateKind
from jupyter_loops.core.ports import Case, World
from jupyter_loops.execution.sandbox import ZygoteSandbox
from jupyter_loops.language import parse
from jupyter_loops.verification.verifier import LayeredVerifier

SETUPS = {
    "a bare cell": "",
    "with pandas and a frame": "import pandas as pd\ntable = pd.DataFrame({'n': range(1000)})\n",
}
CODE = Candidate(kind=CandidateKind.CODE, text="def f(n):\n    return n + 1\n")


ASSERTS = "".join(f"assert f({n}) == {n + 1}\n" for n in range(19))
CALLS = "assert all(f(n) == n + 1 for n in range(10_000))\n"


async def measure(cell: str, times: int) -> list[tuple[float, float]]:
    """Wall and CPU seconds, of kernel and child, of static layers and examination; the asserts are next to nothing."""
    stub = "def f(n):\n    'n + 1'\n"
    recipe, verifier, sandbox, taken = parse(stub + cell, "bench"), LayeredVerifier(), ZygoteSandbox("process"), []
    await sandbox.open(World(recipe=recipe))
    try:
        for _ in range(times):
            await asyncio.sleep(0.1)  # as a model would think: the next child waits meanwhile
            async with sandbox.attempt(CODE) as attempt:
                await attempt.execute()
                began, busy = time.perf_counter(), time.process_time()
                await verifier.before(Case(recipe=recipe, candidate=CODE))
                verdicts, observation = await attempt.examine(recipe.checks)
                cpu = time.process_time() - busy + observation.cpu_seconds
                taken.append((time.perf_counter() - began, cpu))
                assert len(verdicts) == len(recipe.checks)
                assert all(verdict.passed for verdict in verdicts), verdicts
    finally:
        await sandbox.close()
    return taken


def main() -> None:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    for name, setup in SETUPS.items():
        last = "assert len(table) == 1000\n" if setup else "assert f(99) == 100\n"
        show(f"20 asserts, {name}", asyncio.run(measure(setup + ASSERTS + last, times)), 5)
    show("a check of 10,000 calls", asyncio.run(measure(CALLS, max(times // 10, 3))), 600)


def show(name: str, taken: list[tuple[float, float]], bound: float) -> None:
    """Print a row; `bound` in milliseconds."""
    wall, cpu = ([each * 1e3 for each in column] for column in zip(*taken, strict=True))
    median, worst = statistics.median(wall), sorted(wall)[int(len(wall) * 0.95)]
    print(f"  {name:36}{median:8.2f} ms median, {worst:8.2f} ms p95   {beside(median, bound, 'ms')}"
          f"   CPU {statistics.median(cpu):.2f} ms")  # fmt: skip


if __name__ == "__main__":
    main()
