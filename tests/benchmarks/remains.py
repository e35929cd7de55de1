"""What is left on this machine by many candidates that leave all that they can, at each level.

`python remains.py [ATTEMPTS] [LEVEL …]`; counts of files, shared memory, semaphores, queues, keys, sockets, processes
and of this process's own descriptors, before and after.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from pathlib import Path

import numpy as np

from jupyter_loops.core.candidate import Candidate, CandidateKind, Limits
from jupyter_loops.core.ports import World
from jupyter_loops.core.recipe import Check, Recipe, Target, TargetKind
from jupyter_loops.execution import tree
from jupyter_loops.execution.sandbox import ZygoteSandbox

sys.path.append(str(Path(__file__).parents[1] / "execution"))
from leftovers import CHECK, LEAVE, LOOK, WORD

LEVELS = ("landlock", "bubblewrap") if shutil.which("bwrap") else ("landlock",)
STUB = Target(name="f", kind=TargetKind.FUNCTION, source="def f(x): ...")
TABLES = {name: f"/proc/{name}" for name in ("sysvipc/shm", "sysvipc/sem", "sysvipc/msg", "keys")}
FOLDERS = ("/tmp", "/dev/shm", "/var/tmp")


def counted() -> dict[str, int]:
    """What there is now; of what others use too, only what bears the note."""
    found = {name: len(Path(path).read_text().splitlines()) for name, path in TABLES.items() if Path(path).exists()}
    found["sockets"] = Path("/proc/net/unix").read_text().count(WORD)
    found["files"] = sum(WORD in str(path) for folder in FOLDERS for path in Path(folder).glob("*"))
    found["processes"] = len(tree.started_with(f"NOTE={WORD}"))
    return found


async def attempts(level: str, number: int) -> dict[str, int]:
    """How many of each are more than before; and how often a candidate saw something of an earlier one."""
    check = Check(name="f", source=CHECK, line=5)
    recipe = Recipe(name="leftovers", goal="", targets=(STUB,), checks=(check,))
    before, saw, failed = counted(), 0, 0
    sandbox = ZygoteSandbox(level, watched=False)
    try:
        await sandbox.open(World(recipe=recipe, names={"big": np.zeros(1_000_000)}, limits=Limits(seconds=60.0)))
        files = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - numbers
        for n in range(number):
            text = LOOK if n % 10 == 9 else LEAVE
            async with sandbox.attempt(Candidate(kind=CandidateKind.CODE, text=text)) as attempt:
                executed = await attempt.execute()
                verdicts, _ = await attempt.examine((check,))
            saw += text is LOOK and executed.stdout != "found []\n"
            failed += not all(verdict.passed for verdict in verdicts)
        in_scratch = len(list(sandbox._scratch.root.iterdir()))
        more = len(os.listdir("/proc/self/fd")) - files  # noqa: PTH208 - numbers
    finally:
        await sandbox.close()
    left = {name: count - before[name] for name, count in counted().items()}
    return left | {"seen by the next": saw, "failed": failed, "descriptors": more, "in scratch": in_scratch}


async def main() -> int:
    number, levels = int(sys.argv[1]) if sys.argv[1:] else 1000, sys.argv[2:] or LEVELS
    bad = 0
    for level in levels:
        began = time.perf_counter()
        left = await attempts(level, number)
        bad += left["seen by the next"] + left["failed"] + left["files"] + left["processes"]
        words = ", ".join(f"{name} {count}" for name, count in left.items())
        print(f"  {level:12}{number:6} attempts in {time.perf_counter() - began:5.0f} s: {words}", flush=True)
    return bad


if __name__ == "__main__":
    sys.exit(min(asyncio.run(main()), 1))
