"""How many random cases of calls, faults, cancellations, retries, parallel attempts and nested ledgers hold the cap.

python tests/benchmarks/overshoot.py [CASES]
"""

from __future__ import annotations

import importlib
import sys
import time
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis.database import InMemoryExampleDatabase

sys.path.insert(0, str(Path(__file__).parents[2]))
law = importlib.import_module("tests.engine.overshoot")


def main(wanted: int) -> None:
    played, calls, refused, worst = 0, 0, 0, 0.0

    @settings(
        max_examples=wanted,
        deadline=None,
        database=InMemoryExampleDatabase(),
        suppress_health_check=list(HealthCheck),
    )
    @given(law.cases)
    def overshoot(case: object) -> None:
        nonlocal played, calls, refused, worst
        books = law.play(case)
        played, worst = played + 1, max(worst, books.worst)
        calls += len(books.of("call_finished"))
        refused += sum(1 for call in books.of("call_finished") if call.error)

    began = time.perf_counter()
    overshoot()
    print(f"  {played} cases, {calls} calls, {refused} of them faults or cancellations")
    print(f"  most that was ever spent and reserved above a limit: {worst:.1g} (floats add up to {law.NEAR:g})")
    print(f"  {time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
