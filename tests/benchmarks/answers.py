"""How long it takes to read an answer: ordinary ones of 100 kB, and those of 1 MB that are made to take long.

Beside each, the longest that the engine's thread did nothing else, in seconds of its own processor time.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time

from target import beside

from jupyter_loops.core.recipe import Recipe, Target, TargetKind
from jupyter_loops.errors import ReplyError
from jupyter_loops.planning.planner import PromptPlanner

FUNCTION = "def f(x):\n    return x\n"
PROSE = "The function returns what it is given, as the checks want it; nothing else is needed here.\n"
HELPER = "def helper_{n}(values):\n    return [value * {n} + 1 for value in values if value is not None]\n\n\n"
RECORD = {"name": "a name", "values": [1, 2.5, None], "inner": {"key": "some text of ordinary length"}}
CODE = (Target(name="f", kind=TargetKind.FUNCTION, source="def f(x): ..."),)
DATA = (Target(name="rows", kind=TargetKind.DATA, source="rows: list[dict]", annotation="list[dict]"),)
KB = 1000
TICK = 0.001  # seconds


def fill(unit: str, size: int) -> str:
    """The unit as often as it fits."""
    return unit * (size // len(unit))


def helpers(size: int) -> str:
    return "".join(HELPER.format(n=n) for n in range(size // len(HELPER)))


def fenced(text: str) -> str:
    return f"Here it is:\n\n```python\n{text}```\n"


ORDINARY = {
    "prose, then code": (CODE, fill(PROSE, 97 * KB) + fenced(helpers(3 * KB) + FUNCTION)),
    "thoughts, then code": (CODE, f"<think>{fill(PROSE, 97 * KB)}</think>\n" + fenced(helpers(3 * KB) + FUNCTION)),
    "a long table of constants": (
        CODE,
        fenced(f"TABLE = '''\n{fill('1,2,3,some text' + chr(10), 97 * KB)}'''\n{FUNCTION}"),
    ),
    "JSON": (DATA, json.dumps({"rows": [RECORD] * (100 * KB // len(json.dumps(RECORD)))})),
    "JSON in a fence, after prose": (
        DATA,
        fill(PROSE, 50 * KB) + f"```json\n{json.dumps({'rows': [RECORD] * (50 * KB // len(json.dumps(RECORD)))})}\n```",
    ),
}
HARMFUL = {
    "code of 100 kB": (CODE, fenced(helpers(100 * KB) + FUNCTION)),
    "code of 1 MB": (CODE, fenced(helpers(1000 * KB) + FUNCTION)),
    "one line": (CODE, fenced("x = [" + fill("1, ", 1000 * KB) + "]\n" + FUNCTION)),
    "one expression": (CODE, fenced("x = " + fill("1 + ", 1000 * KB) + "1\n" + FUNCTION)),
    "brackets that never close": (CODE, fenced("x = " + fill("(", 1000 * KB))),
    "fences without end": (CODE, fill("```python\nx = (\n", 1000 * KB)),
    "fences in fences": (CODE, fill("~~~~\n```\n", 1000 * KB)),
    "strings that never close": (CODE, fenced(fill("x = '''\n```\n", 1000 * KB))),
    "thoughts that never close": (CODE, fill("<think>", 1000 * KB)),
    "thoughts that only close": (CODE, fill("x </think>\n", 1000 * KB)),
    "code that does not parse": (CODE, fenced(helpers(1000 * KB) + "def f(x:\n")),
    "code among prose": (CODE, fill("import x\nand so on, as it is.\n", 1000 * KB)),
    "prompts of an interpreter": (CODE, fenced(fill(">>> x = 1\n1\n", 1000 * KB))),
    "indented code": (CODE, fenced(fill("    x = 1\n", 1000 * KB))),
    "JSON that is broken": (DATA, "{'rows': [" + fill("{'a': 1,}, ", 1000 * KB)),
    "JSON that is broken, 190 kB": (DATA, "{'rows': [" + fill("{'a': 1,}, ", 190 * KB)),
    "JSON in JSON": (DATA, fill('{"a": ', 1000 * KB)),
    "brackets of JSON": (DATA, fill("[", 1000 * KB)),
    "many values of JSON": (DATA, fill('{"a": 1} and ', 1000 * KB)),
    "10 MB": (CODE, fill(PROSE, 10_000 * KB)),
}


async def measure(targets: tuple[Target, ...], text: str, times: int) -> tuple[float, float, str]:
    """Seconds of one reading, the longest that the thread was held, and what came."""
    planner, recipe = PromptPlanner(), Recipe(name="answers", goal="", targets=targets)
    held, took, came = [0.0], [], ""

    async def watch() -> None:
        while True:
            began = time.thread_time()
            await asyncio.sleep(TICK)
            held.append(time.thread_time() - began)

    watching = asyncio.ensure_future(watch())
    await asyncio.sleep(0.01)
    for _ in range(times):
        began = time.perf_counter()
        try:
            candidate = await planner.read(recipe, text)
            came = f"{len(candidate.text):,} characters"
        except ReplyError as error:
            came = str(error)[:60]
        took.append(time.perf_counter() - began)
        await asyncio.sleep(TICK)
    await asyncio.sleep(0.01)
    watching.cancel()
    return statistics.median(took), max(held), came


async def main() -> int:
    missed = 0
    for title, answers, times in (("ordinary, 100 kB", ORDINARY, 9), ("made to take long, 1 MB", HARMFUL, 1)):
        print(f"\n  {title:34}{'read in':>12}{'held':>12}")
        for name, (targets, text) in answers.items():
            seconds, held, came = await measure(targets, text, times)
            value, bound = (seconds, 5) if answers is ORDINARY else (held, 50)
            missed += value * 1e3 > bound
            print(f"  {name:34}{seconds * 1e3:9.1f} ms{held * 1e3:9.1f} ms  {beside(value * 1e3, bound, 'ms')}  {came}")
    return missed


if __name__ == "__main__":
    sys.exit(min(asyncio.run(main()), 1))
