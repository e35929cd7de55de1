"""Shift+Enter to the first token of the embedded model in the live view, through a real kernel.

Cold: the first loop of a fresh kernel, sent the moment `%load_ext` is done. Warm: the ones after it, asked afresh;
of the same cell the server still has the prompt, of another cell only its head.
"""

from __future__ import annotations

import statistics
import sys
import time

from kernel import Kernel, a_kernel
from target import beside

COLD, WARM = 5.0, 0.6  # seconds
CELL = '''%%loop run --model local --fresh --iterations 1 --no-raise
def times{n}(number: int) -> int:
    """The number times {n}."""
    ...

assert times{n}(2) == {n} * 2
assert times{n}(-1) == -{n}
'''


def first_token(kernel: Kernel, n: int) -> float:
    """Seconds from sending the cell to the first piece of the answer on its way to the page."""
    began = time.perf_counter()
    request = kernel.send(CELL.format(n=n))
    kernel.update(kernel.widget(request), lambda state: bool(state.get("stream")))
    seconds = time.perf_counter() - began
    kernel.reply(request)
    return seconds


def main() -> None:
    kernels = int(sys.argv[1]) if sys.argv[1:] else 3
    cold, same, other = [], [], []
    for _ in range(kernels):
        with a_kernel() as kernel:
            cold.append(first_token(kernel, 2))
            same += [first_token(kernel, 2) for _ in range(5)]
            other += [first_token(kernel, n) for n in range(3, 8)]
    print(f"\n  {'':34}{'median s':>10}{'worst s':>10}")
    for name, samples, target in (
        ("cold: first loop of a kernel", cold, COLD),
        ("warm: the same cell again", same, WARM),
        ("warm: another cell", other, WARM),
    ):
        median = statistics.median(samples)
        print(f"  {name:34}{median:10.2f}{max(samples):10.2f}   {beside(median, target, 's')}")


if __name__ == "__main__":
    main()
