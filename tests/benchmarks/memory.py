"""Peak memory of a kernel that runs 10, 100 and 500 rounds, live view and sandbox included; 2 KB an answer."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from pathlib import Path

from kernel import a_kernel

ROUNDS = (10, 100, 500)
NOISE = 0.01  # MB a round that is as good as nothing
CELL = '''%%loop run --model script:{script} --fresh --no-raise -n {rounds} --patience 1000 --time 600
def double(n: int) -> int:
    """Twice the number."""
    ...

assert double(2) == 4
'''
PEAK = "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"


def answer(number: int) -> str:
    """Wrong, and each time in another way."""
    return f"```python\ndef double(n: int) -> int:\n    # {'a' * 2000}\n    return n * {number}\n```"


def peak(rounds: int) -> float:
    """MB of a fresh kernel after so many rounds."""
    with tempfile.TemporaryDirectory() as folder, a_kernel() as kernel:
        script = Path(folder) / "script.json"
        script.write_text(json.dumps([answer(number) for number in range(3, rounds + 3)]))
        kernel.run(CELL.format(script=script, rounds=rounds))
        done = kernel.printed("print(run.termination.reason, run.usage.iterations)").split()
        assert done == ["iterations", str(rounds)], done
        return float(kernel.printed(PEAK))


def main() -> None:
    times = int(sys.argv[1]) if sys.argv[1:] else 3
    few, some, many = (statistics.median(peak(rounds) for _ in range(times)) for rounds in ROUNDS)
    first, later = (some - few) / (ROUNDS[1] - ROUNDS[0]), (many - some) / (ROUNDS[2] - ROUNDS[1])
    mark = "✓" if later <= max(1.2 * first, NOISE) else "✕"
    print(f"\n  peak of the kernel after {', '.join(map(str, ROUNDS))} rounds:{few:8.0f}{some:8.0f}{many:8.0f} MB")
    print(f"  a round adds {first * 1e3:.0f} kB up to {ROUNDS[1]}, {later * 1e3:.0f} kB after   {mark} linear at worst")


if __name__ == "__main__":
    main()
