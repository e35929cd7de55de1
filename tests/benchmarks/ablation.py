"""What each part that a round carries over adds, at equal tokens: HumanEval as cells, half of the asserts hidden.

`python tests/benchmarks/ablation.py [--model local] [--every 4] [--seeds 1] [--arms …] [--minutes 60] [--out FILE]`

Round 1 is shared: it is one run, and each arm is a fork of it, where it did not verify. All arms take a problem before
the next one is begun, so that a run which is cut compares them on the same problems. Results are in a file, one line a
run, and a second start goes on where the first was cut. Printed at the end: problems solved
by tokens spent, with bootstrap intervals over problems, and how often an answer passed what it saw and failed what was
hidden.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

sys.path += [str(Path(__file__).parents[1] / folder) for folder in ("verification", "verification/honest_corpus")]

from problems import human_eval

from jupyter_loops import Loop
from jupyter_loops.assemble import pursue, stored
from jupyter_loops.core.memory import Memory
from jupyter_loops.core.message import Prompt
from jupyter_loops.core.recipe import Recipe
from jupyter_loops.planning.planner import PromptPlanner

FIRST = "round 1"
FAILURES = frozenset({"failures", "general"})
ARMS: dict[str, Callable[[int], frozenset[str] | None]] = {  # of a round's number: the parts that it carries over
    "resampling": lambda _: frozenset(),
    "failures": lambda _: FAILURES,
    "failures, last": lambda _: FAILURES | {"last"},
    "failures, last, best": lambda _: FAILURES | {"last", "best"},
    "alternation": lambda iteration: frozenset() if iteration % 2 else FAILURES | {"last"},
    "all parts": lambda _: None,
}
ROUNDS = 12
STEPS = (600, 1200, 1800, 2400)  # tokens of a problem, at which the arms are compared
Row = dict[str, Any]


def run(arm: str, problem: Any, model: str, seed: int, *, first: Row | None, history: str) -> Row:
    """One loop: round 1 of a problem, or an arm that goes on from it; what each round cost and whether it passed."""
    ARM[:] = [arm]
    begun = time.monotonic()
    options: dict[str, Any] = {
        "seed": 1000 * seed, "model": model, "iterations": ROUNDS if first else 1, "tokens": STEPS[-1], "time": None,
        "call_timeout": 900, "timeout": 20, "watchdog": None, "adaptive": False,  # else it learns from the other arms
    }  # fmt: skip
    if first:
        made = pursue(stored(first["run"], history).forked(1), history=history, **options)
    else:
        loop = Loop.from_cell(problem.cell, problem.name.replace("/", "_").lower())
        made = loop.run(fresh=True, history=history, **options)
    end = made.wait()
    query = (
        "SELECT i.iteration, sum(c.prompt_tokens + c.completion_tokens), any_value(i.passed), any_value(i.total), "
        "any_value(i.why) FROM iterations i JOIN calls c USING (run_id, iteration) WHERE run_id = $run "
        "GROUP BY 1 ORDER BY 1"
    )
    rounds = [list(row) for row in made.history.sql(query, {"run": made.id}).fetchall()]
    return {
        "run": made.id, "arm": arm, "problem": problem.name, "model": model, "seed": seed, "reason": str(end.reason),
        "rounds": rounds, "seconds": round(time.monotonic() - begun, 1),
    }  # fmt: skip


ARM: list[str] = []  # the one that runs now
_PROMPT = PromptPlanner.prompt


def _prompt(
    planner: PromptPlanner, recipe: Recipe, memory: Memory, window: int | None, _: frozenset[str] | None = None
) -> Prompt:
    """The planner's prompt with the parts of the arm."""
    return _PROMPT(planner, recipe, memory, window, ARMS.get(ARM[0], ARMS["resampling"])(memory.iteration))


PromptPlanner.prompt = _prompt  # type: ignore[method-assign]


def spent_until_solved(first: Row, row: Row | None) -> float:
    """Tokens of round 1 and the rounds of an arm until it was verified; infinite where it was not."""
    spent = sum(tokens for one in (first, row) if one for _, tokens, *_ in one["rounds"])
    return spent if (row or first)["reason"] == "verified" else float("inf")


def interval(solved: Sequence[int], rolls: int = 2000) -> tuple[float, float]:
    """The 95 % bootstrap interval of a mean, over problems."""
    dice = random.Random(1)
    shares = sorted(sum(dice.choices(solved, k=len(solved))) / len(solved) for _ in range(rolls))
    return shares[int(0.025 * rolls)], shares[int(0.975 * rolls)]


def report(rows: Iterable[Row]) -> None:
    known = {(row["arm"], row["problem"], row["seed"]): row for row in rows}
    arms = [arm for arm in ARMS if any(row["arm"] == arm for row in known.values())]
    first = {each: row for (arm, *each_), row in known.items() if arm == FIRST for each in [tuple(each_)]}
    missed = [each for each in first if all((arm, *each) in known for arm in arms)]
    print(f"  {len(first)} problems and seeds, {sum(map(_solved, first.values()))} of them verified in round 1")
    print(f"  of {len(missed)} others, which every arm has met: solved by tokens spent on each, round 1 included")
    print(f"  {'arm':24}" + "".join(f"{step:>22,}" for step in STEPS) + f"{'tokens, all':>14}  more than {arms[:1]}")
    spent = {(arm, each): spent_until_solved(first[each], known[arm, *each]) for arm in arms for each in missed}
    for arm in arms if missed else ():
        cells = []
        for step in STEPS:
            solved = [spent[arm, each] <= step for each in missed]
            low, high = interval(solved)
            cells.append(f"{sum(solved):>5} ({low:>4.0%} to {high:>4.0%})")
        tokens = sum(each[1] for problem in missed for each in known[arm, *problem]["rounds"])
        ahead = [(spent[arm, each] <= STEPS[-1]) - (spent[arms[0], each] <= STEPS[-1]) for each in missed]
        low, high = interval(ahead)
        print(f"  {arm:24}" + "".join(f"{cell:>22}" for cell in cells)
              + f"{tokens:>14,}  {sum(ahead):+d} ({low:+.0%} to {high:+.0%})")  # fmt: skip
    tried = [each for row in known.values() for each in row["rounds"]]
    seen = [each for each in tried if each[4] and "hidden" in each[4]]
    print(f"  {len(seen)} of {len(tried)} rounds passed all visible checks and failed a hidden one")


def _solved(row: Row) -> bool:
    return bool(row["reason"] == "verified")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="local")
    parser.add_argument("--every", type=int, default=4, help="of HumanEval's 164 problems")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--arms", nargs="*", default=list(ARMS), choices=list(ARMS))
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "jupyter-loops-ablation.jsonl")
    asked = parser.parse_args()
    rows = [json.loads(line) for line in asked.out.read_text().splitlines()] if asked.out.exists() else []
    rows = [row for row in rows if row["model"] == asked.model]
    known = {(row["arm"], row["problem"], row["seed"]): row for row in rows}
    ends, problems = time.monotonic() + 60 * asked.minutes, list(human_eval())[:: asked.every]
    wanted = product(range(1, asked.seeds + 1), problems, [FIRST, *asked.arms])
    history = str(asked.out.with_suffix(".duckdb"))
    with asked.out.open("a") as out:
        for seed, problem, arm in wanted:
            each = (problem.name, seed)
            first = None if arm == FIRST else known[FIRST, *each]
            if (arm, *each) in known or (first and _solved(first)):
                continue
            if time.monotonic() > ends:
                print("  the time is over; another start goes on from here")
                break
            row = run(arm, problem, asked.model, seed, first=first, history=history) | {"seed": seed}
            known[arm, *each] = row
            print(json.dumps(row), file=out, flush=True)
    report(known.values())
    sys.stdout.flush()
    os._exit(0)  # the model's server need not be waited for


if __name__ == "__main__":
    main()
