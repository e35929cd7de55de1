"""What each part that a round carries over adds, at equal tokens: HumanEval as cells, half of the asserts hidden.

`python tests/benchmarks/ablation.py [--model local] [--every 4] [--seeds 1] [--arms …] [--minutes 60] [--out FILE]`

Round 1 asks the same in every arm, so the problems that the first arm solves there are not asked again. Results are
kept in a file, one line a run, and a second start goes on where the first was cut. Printed at the end: problems solved
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
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path += [str(Path(__file__).parents[1] / folder) for folder in ("verification", "verification/honest_corpus")]

from problems import human_eval

from jupyter_loops import Loop
from jupyter_loops.planning.models.embedded import records

ARMS: dict[str, frozenset[str] | None] = {
    "resampling": frozenset(),
    "failures": frozenset({"failures"}),
    "failures and last attempt": frozenset({"failures", "last"}),
    "all parts": None,
}
ROUNDS = 8
STEPS = (500, 1000, 2000, 3000, 4000)  # tokens of a problem, at which the arms are compared
Row = dict[str, Any]


def run(arm: str, problem: Any, model: str, seed: int, folder: str) -> Row:
    """One loop, to its end; what each of its rounds cost and whether it passed."""
    records.RECORDS[model] = replace(records.find(model), carried=ARMS[arm])
    loop = Loop.from_cell(problem.cell, problem.name.replace("/", "_").lower())
    begun = time.monotonic()
    made = loop.run(
        fresh=True, seed=seed, history=f"{folder}/history.duckdb", iterations=ROUNDS, model=model, tokens=STEPS[-1]
    )
    end = made.wait()
    query = (
        "SELECT i.iteration, sum(c.prompt_tokens + c.completion_tokens), any_value(i.passed), any_value(i.total), "
        "any_value(i.why) FROM iterations i JOIN calls c USING (run_id, iteration) WHERE run_id = $run "
        "GROUP BY 1 ORDER BY 1"
    )
    rounds = [list(row) for row in made.history.sql(query, {"run": made.id}).fetchall()]
    return {
        "arm": arm, "problem": problem.name, "model": model, "seed": seed, "reason": str(end.reason),
        "rounds": rounds, "seconds": round(time.monotonic() - begun, 1),
    }  # fmt: skip


def spent_until_solved(row: Row) -> float:
    """Tokens of a run until it was verified; infinite where it was not."""
    return sum(tokens for _, tokens, *_ in row["rounds"]) if row["reason"] == "verified" else float("inf")


def interval(solved: Sequence[bool], rolls: int = 2000) -> tuple[float, float]:
    """The 95 % bootstrap interval of a share, over problems."""
    dice = random.Random(1)
    shares = sorted(sum(dice.choices(solved, k=len(solved))) / len(solved) for _ in range(rolls))
    return shares[int(0.025 * rolls)], shares[int(0.975 * rolls)]


def report(rows: Iterable[Row]) -> None:
    known = {(row["arm"], row["problem"], row["seed"]): row for row in rows}
    first = next(iter(ARMS))
    asked = [(problem, seed) for arm, problem, seed in known if arm == first]
    print(f"  {len(asked)} problems and seeds; solved by tokens spent on each, of all")
    print(f"  {'arm':28}" + "".join(f"{step:>22,}" for step in STEPS) + f"{'tokens, all':>16}")
    for arm in ARMS:
        taken = [known.get((arm, *each), known[first, *each]) for each in asked if _told(known, arm, each)]
        if not taken:
            continue
        cells = []
        for step in STEPS:
            solved = [spent_until_solved(row) <= step for row in taken]
            low, high = interval(solved)
            cells.append(f"{sum(solved):>5} ({low:>4.0%} to {high:>4.0%})")
        spent = sum(tokens for row in taken for _, tokens, *_ in row["rounds"])
        print(f"  {arm:28}" + "".join(f"{cell:>22}" for cell in cells) + f"{spent:>16,}  of {len(taken)}")
    tried = [each for row in known.values() for each in row["rounds"]]
    seen = [each for each in tried if each[4] and "hidden" in each[4]]
    print(f"  {len(seen)} of {len(tried)} rounds passed all visible checks and failed a hidden one")


def _told(known: dict[tuple[str, str, int], Row], arm: str, each: tuple[str, int]) -> bool:
    """Whether the arm has met the problem, or need not, since the shared first round solved it."""
    first = known[next(iter(ARMS)), *each]
    return (arm, *each) in known or (first["reason"] == "verified" and len(first["rounds"]) == 1)


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
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, asked.out.open("a") as out:
        for seed in range(1, asked.seeds + 1):
            for arm in asked.arms:
                for problem in problems:
                    key = (next(iter(ARMS)), problem.name, seed)
                    if (arm, *key[1:]) in known or (key in known and _told(known, arm, key[1:])):
                        continue
                    if time.monotonic() > ends:
                        print("  the time is over; another start goes on from here")
                        report(known.values())
                        return
                    row = run(arm, problem, asked.model, 1000 * seed, folder) | {"seed": seed}
                    known[arm, problem.name, seed] = row
                    print(json.dumps(row), file=out, flush=True)
    report(known.values())
    sys.stdout.flush()
    os._exit(0)  # the model's server need not be waited for


if __name__ == "__main__":
    main()
