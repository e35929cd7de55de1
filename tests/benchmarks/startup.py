"""What `%load_ext jupyter_loops` adds to a fresh IPython, and what it leaves unimported."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from target import beside

MOST = 60  # ms
HEAVY = ("litellm", "duckdb", "plotly", "anywidget", "ipywidgets", "pandas", "pydantic")
BARE = "pass"
LOADED = "get_ipython().run_line_magic('load_ext', 'jupyter_loops')"
SAY = f"import sys; print(*[m for m in {HEAVY!r} if m in sys.modules])"


def start(code: str) -> tuple[float, str]:
    begun = time.perf_counter()
    command = [sys.executable, "-m", "IPython", "--no-banner", "--quick", "-c", code]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    return time.perf_counter() - begun, said.stdout.strip()


def main() -> None:
    runs = int(sys.argv[1]) if sys.argv[1:] else 7
    times: dict[str, list[float]] = {BARE: [], LOADED: []}
    for _ in range(runs + 1):  # the first of each warms the caches
        for code, samples in times.items():
            samples.append(start(code)[0])
    bare, loaded = (statistics.median(samples[1:]) * 1e3 for samples in times.values())
    print(f"\n  median of {runs} interleaved fresh processes")
    print(f"  bare IPython                {bare:7.0f} ms")
    more = loaded - bare
    print(f"  %load_ext jupyter_loops     {loaded:7.0f} ms   +{more:.0f} ms   {beside(more, MOST, 'ms')}")
    heavy = start(f"{LOADED}; {SAY}")[1]
    print(f"  of {', '.join(HEAVY)} it imports {heavy or 'none'}   {'✕' if heavy else '✓'}")


if __name__ == "__main__":
    main()
