"""How well the forecast knows itself: Brier score and a reliability table on runs that it has not seen.

Half of the recorded runs are the history, the other half is held out; every round of a held-out run asks P(verified
by the last round). Scripted loops have a known hazard of their own each, drawn from Beta(1, 3). The fixture
`recorded_runs.json` holds real runs of the embedded model: `calibration.py --record` makes it anew.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import defaultdict
from pathlib import Path

from jupyter_loops.core.budget import Budget, Usage
from jupyter_loops.core.forecast import RunOutcome
from jupyter_loops.engine.forecaster import Forecaster

FIXTURE = Path(__file__).with_name("recorded_runs.json")
MOST = 8  # rounds of every recorded run


def scripted(loops: int = 60, runs: int = 8) -> list[list[RunOutcome]]:
    """Runs of loops, each with a hazard of its own, as simulation knows it."""
    rng = random.Random(20261124)
    told = []
    for _ in range(loops):
        hazard = rng.betavariate(1, 3)
        told.append([])
        for _ in range(runs):
            won = next((n for n in range(1, MOST + 1) if rng.random() < hazard), None)
            told[-1].append(RunOutcome(rounds=won or MOST, verified=won is not None))
    return told


def recorded() -> list[list[RunOutcome]]:
    """The real runs, loop by loop."""
    loops = json.loads(FIXTURE.read_text())["loops"]
    return [[RunOutcome(rounds=rounds, verified=verified) for rounds, verified in runs] for runs in loops.values()]


def forecasts(loops: list[list[RunOutcome]]) -> list[tuple[float, bool]]:
    """What was forecast at each round of the held-out runs, and what became of it."""
    pairs = []
    for runs in loops:
        known, held_out = runs[::2], runs[1::2]
        others = [
            RunOutcome(rounds=o.rounds, verified=o.verified, weight=0.2)
            for more in loops
            if more is not runs
            for o in more
        ]
        forecaster = Forecaster([*known, *others[:200]])
        for run in held_out:
            failed = run.rounds - 1 if run.verified else MOST - 1
            for done in range(min(failed, MOST - 1) + 1):
                seen = forecaster.after(Usage(iterations=done), Budget(usd=None, seconds=None, iterations=MOST))
                pairs.append((seen.p, run.verified))
    return pairs


def report(title: str, pairs: list[tuple[float, bool]]) -> None:
    base = sum(won for _, won in pairs) / len(pairs)
    brier = sum((p - won) ** 2 for p, won in pairs) / len(pairs)
    print(f"\n  {title}: {len(pairs)} forecasts, {base:.0%} came true")
    print(f"  Brier score {brier:.3f}; {base * (1 - base):.3f} for always saying {base:.0%}")
    bins = defaultdict(list)
    for p, won in pairs:
        bins[min(int(p * 5), 4)].append((p, won))
    print("  forecast         mean     came true    forecasts")
    for n, of in sorted(bins.items()):
        mean, true = (sum(one[k] for one in of) / len(of) for k in (0, 1))
        print(f"  {n * 20:>3} to {n * 20 + 20:>3} %  {mean:>8.0%}  {true:>10.0%}  {len(of):>10}")


CELLS = {  # head, goal, checks
    "is_even": ("n: int) -> bool", "Whether n is even.", ["is_even(4)", "not is_even(7)"]),
    "square": ("n: int) -> int", "The square of n.", ["square(3) == 9", "square(-2) == 4"]),
    "factorial": ("n: int) -> int", "Return the factorial of n.", ["factorial(0) == 1", "factorial(5) == 120"]),
    "vowels": ("text: str) -> int", "Count the vowels in text.", ['vowels("Banana") == 3', 'vowels("xyz") == 0']),
    "reverse": ("text: str) -> str", "The text backwards.", ['reverse("abc") == "cba"']),
    "fizz": (
        "n: int) -> str",
        "Fizz for multiples of 3, Buzz of 5, FizzBuzz of both, else the number.",
        ['fizz(9) == "Fizz"', 'fizz(15) == "FizzBuzz"', 'fizz(7) == "7"'],
    ),
    "longest": ("text: str) -> str", "The longest word of text.", ['longest("a bee sees") == "sees"']),
    "initials": (
        "name: str) -> str",
        "The first letters of the words of name, as capitals.",
        ['initials("ada lovelace") == "AL"', 'initials("alan mathison turing") == "AMT"'],
    ),
    "evens": ("numbers: list) -> int", "The sum of the even numbers.", ["evens([1, 2, 4]) == 6", "evens([]) == 0"]),
    "clamp": (
        "x: float, low: float, high: float) -> float",
        "x, but no less than low and no more than high.",
        ["clamp(5, 0, 3) == 3", "clamp(-1, 0, 3) == 0", "clamp(2, 0, 3) == 2"],
    ),
}


def record(runs: int) -> None:
    """Run the cells on the embedded model and keep how they went."""
    import tempfile

    from jupyter_loops import Loop

    loops = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        options = {"history": f"{folder}/history.duckdb", "iterations": MOST, "model": "local"}
        for name, (head, goal, checks) in CELLS.items():
            asserts = "\n".join(f"assert {check}" for check in checks)
            cell = f'def {name}({head}:\n    """{goal}"""\n\n{asserts}\n'
            for n in range(runs):
                run = Loop.from_cell(cell, name).run(fresh=True, adaptive=False, seed=n * 100, **options)
                end = run.wait()
                if end.reason in {"verified", "iterations"}:
                    loops[name].append([run.usage.iterations, end.verified])
                print(name, n, end.reason, run.usage.iterations, flush=True)
    told = {"model": "local (SmolLM2-135M)", "rounds": MOST, "loops": loops}
    FIXTURE.write_text(json.dumps(told).replace('"loops": {', '"loops": {\n').replace("]], ", "]],\n") + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="?", type=int, default=10, help="of each cell, when recording")
    parser.add_argument("--record", action="store_true", help="make the fixture anew")
    asked = parser.parse_args()
    if asked.record:
        record(asked.runs)
    report("scripted loops", forecasts(scripted()))
    if FIXTURE.exists():
        report("runs of the embedded model", forecasts(recorded()))


if __name__ == "__main__":
    sys.exit(main())
