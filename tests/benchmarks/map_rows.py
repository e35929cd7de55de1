"""A map over rows of a data target: rows a second, memory, and what the kernel still answers meanwhile.

A scripted model answers after 50 ms. Everything else is real: engine, warm examiner, journal, history.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
import threading
import time

import psutil

CELL = '"""Say the length of the text in `row`."""\nlength: int\nassert length == len(row.text)\n'
DELAY = 0.05  # seconds of an answer
_ROW = re.compile(r"This is the `row`:\n\n`+\n(.*?)\n`+", re.DOTALL)


def scripted(delay: float = DELAY):
    """A model that answers by what it is asked."""
    import asyncio

    from jupyter_loops.core.message import Completion
    from jupyter_loops.planning.models.replay import ReplayModel

    class Scripted(ReplayModel):
        async def complete(self, prompt, sampling, on_text=None):
            await asyncio.sleep(delay)
            text = json.loads(_ROW.search(prompt.messages[-1].content)[1])["text"]
            return Completion(
                text=json.dumps({"length": len(text)}), prompt_tokens=80, completion_tokens=8, seconds=delay
            )

    return Scripted([])


def run(rows: int, concurrency: int = 256):
    """Seconds, CPU seconds, resident MB by tenth, longest hold-up of a thread in ms, seconds to settle, level."""
    from jupyter_loops.assemble import Adapters, Options
    from jupyter_loops.execution.sandbox import ZygoteSandbox
    from jupyter_loops.history import open_history
    from jupyter_loops.language import parse
    from jupyter_loops.mapping.launch_map import launch_map
    from jupyter_loops.mapping.map_options import MapOptions

    folder, me = tempfile.mkdtemp(), psutil.Process()
    table = ({"text": "x" * (n % 50)} for n in range(rows))
    options = Options(usd=None, time=None, history=f"{folder}/history.duckdb")
    began, spent = time.perf_counter(), sum(me.cpu_times()[:2])
    loop = launch_map(
        parse(CELL, "bench"),
        table,
        options,
        MapOptions(concurrency=concurrency),
        stages=[Adapters(scripted(), ZygoteSandbox())],
    )
    memory, late = {}, [0.0]
    over = threading.Event()

    def look():
        last = time.perf_counter()
        while not over.wait(0.01):
            memory[loop.progress.done * 10 // rows] = me.memory_info().rss / 2**20
            now = time.perf_counter()
            late.append(now - last - 0.01)
            last = now

    watcher = threading.Thread(target=look)
    watcher.start()
    end = loop.wait()
    seconds, cpu = time.perf_counter() - began, sum(me.cpu_times()[:2]) - spent
    over.set()
    watcher.join()
    assert end.verified, end
    assert loop.rows[-1]["length"] == (rows - 1) % 50
    stored = time.perf_counter()
    count = (
        open_history(options.history).sql("SELECT count(*) FROM runs WHERE stop_reason = 'verified'").fetchall()[0][0]
    )
    assert count == rows + 1, count
    settled = time.perf_counter() - stored
    level = max(limit.level for limit in loop.map_cycle.limits)
    open_history(options.history).close()
    shutil.rmtree(folder)
    return seconds, cpu, memory, max(late) * 1000, settled, level


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    seconds, cpu, memory, late, settled, level = run(rows)
    print(
        f"  {rows:,} rows at {DELAY * 1000:.0f} ms: {seconds:.1f} s, {rows / seconds:,.0f} rows/s, level {level:.0f}; ",
        end="",
    )
    print(f"{1000 * cpu / rows:.2f} ms of CPU a row (so {rows / cpu:,.0f} rows/s on a core of its own); ", end="")
    print(f"all in the database {settled:.1f} s later; another thread waited {late:.0f} ms at most")
    print("  resident MB by tenth:", ", ".join(f"{memory[tenth]:.0f}" for tenth in sorted(memory)))


if __name__ == "__main__":
    main()
