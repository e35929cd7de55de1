"""All benchmarks, one after another, with the facts of the machine on top: `make bench`.

`--quick` repeats less often; it is for seeing that all of them work, not for quoting. The results are written as JSON
and as a Markdown table; `--compare A B` compares two such JSON files.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from results import Benchmark, Results, compared

HERE = Path(__file__).parent
OUTSIDE = Path(tempfile.gettempdir()) / "jupyter-loops-bench"  # of the tree
PACKAGES = ("jupyter-loops", "ipykernel", "litellm", "duckdb", "anywidget", "xllamacpp")
BENCHMARKS = {  # script: title, repetitions, repetitions when quick
    "startup": ("Start-up", "7", "3"),
    "first_token": ("Shift+Enter to the first token, embedded model, real kernel", "3", "1"),
    "stopping": ("A click on Stop to `stopped`, real kernel", "5", "3"),
    "rounds": ("A durable round, beside LangGraph", "3", "1"),
    "sandbox": ("The sandbox", "200", "50"),
    "hostile": ("Hostile candidates: limit, outcome, kill latency", "1000", "10"),
    "history": ("The history", "500", "100"),
    "history_scale": ("A history of a million rounds", "10000", "500"),
    "verification": ("Verification beside the user's own checks", "50", "10"),
    "cheating": ("Candidates that want to pass without solving the task", "1", "1"),
    "contention": ("Eight writers and a reader on one history", "100", "20"),
    "kills": ("Kills at random points, and resumption", "200", "20"),
    "steps": ("Kills at each step of what makes a file anew", "", ""),
    "deeds": ("What people do to the file, and what is said when", "", "delete"),
    "detection": ("Detectors of a stuck run, on generated runs", "1", "1"),
    "control": ("Ledger, termination and breakers; a thousand runs on one ledger", "5", "2"),
    "calibration": ("The forecast's calibration, on runs that it has not seen", "1", "1"),
    "memory": ("Memory", "3", "1"),
    "map_rows": ("A map over rows: rows a second, memory", "10000", "500"),
    "ledger": ("Ledger and conditions, a round", "20000", "2000"),
    "overshoot": ("Overshoot over random cases", "5000", "300"),
    "answers": ("Reading answers", "", ""),
    "remains": ("What a candidate leaves for the next", "1000", "10"),
    "context": ("Prompt tokens of failing rounds, by context", "50", "30"),
    "faults": ("Faults of providers", "", "429"),
}


def load() -> str:
    return f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "load unknown"


def machine() -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{platform.system()} {platform.release()}, {platform.machine()}, {cores} cores, {load()}\n"
        f"Python {platform.python_version()}, {versions}"
    )


def run(name: str, *, quick: bool) -> Benchmark:
    """What it printed, which goes straight through as well."""
    title, often, less_often = BENCHMARKS[name]
    lines, began, busy = list[str](), time.perf_counter(), load()
    print(f"\n── {title} ({busy})", flush=True)
    command = [sys.executable, "-u", HERE / f"{name}.py", less_often if quick else often]
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8", errors="replace") as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            lines.append(line.rstrip())
    seconds = time.perf_counter() - began
    print(f"  {seconds:.0f} s", flush=True)
    finished = process.returncode == 0
    return Benchmark(name=name, title=title, finished=finished, seconds=seconds, load=busy, lines=lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="repeat less often")
    parser.add_argument("--to", type=Path, default=OUTSIDE, help=f"the folder of the results; {OUTSIDE}")
    parser.add_argument("--compare", nargs=2, type=Path, metavar=("BEFORE", "AFTER"), help="two JSON files of results")
    parser.add_argument("only", nargs="*", help=f"some of {', '.join(BENCHMARKS)}; none: all")
    asked = parser.parse_args()
    if asked.compare:
        try:
            print(compared(*map(Results.read, asked.compare)))
        except ValueError as error:
            parser.error(str(error))
        return 0
    if unknown := set(asked.only) - BENCHMARKS.keys():
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    began, here = datetime.now(UTC).isoformat(timespec="seconds"), machine()
    print(here, flush=True)
    benchmarks = [run(name, quick=asked.quick) for name in asked.only or BENCHMARKS]
    path = Results(began=began, machine=here.splitlines(), benchmarks=benchmarks).write(asked.to)
    print(f"\nwritten: {path} and {path.with_suffix('.md').name}")
    failed = [one.name for one in benchmarks if not one.finished]
    if failed:
        print(f"not finished, or missed a target that it has to meet: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
