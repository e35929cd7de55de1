"""What a round pays for its limits: reserve, settle, exhausted, a composed condition. CPU time, so load matters little.

python tests/benchmarks/ledger.py [ROUNDS]
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from pathlib import Path

from jupyter_loops.core.budget import Budget, Price, Usage
from jupyter_loops.core.condition import Position
from jupyter_loops.core.stop_conditions import Iterations, Plateau, Usd, Verified
from jupyter_loops.engine.ledger import Ledger
from jupyter_loops.history.day import DayBook

PRICE = Price(prompt=1e-6, completion=4e-6)
WIDE = Budget(usd=1e9, tokens=10**12, seconds=1e9, iterations=10**9, calls=10**9)
UNTIL = Verified() | Iterations(10**9) | Usd(1e9) & Plateau(3)


def a_round(ledger: Ledger) -> None:
    ledger.settle(ledger.reserve(500, 500), Usage(usd=0.001, tokens=700, calls=1))
    ledger.count_iteration()
    ledger.exhausted()
    UNTIL.fired(Position(usage=ledger.usage))


def micros(ledger: Ledger, rounds: int) -> float:
    began = time.process_time()
    for _ in range(rounds):
        a_round(ledger)
    return (time.process_time() - began) / rounds * 1e6


def shared(rounds: int, runs: int = 1000, threads: int = 8) -> float:
    """So many runs, each with a ledger cut from one, on a few threads."""
    outer = Ledger(WIDE, PRICE)
    cut = [outer.child(WIDE) for _ in range(runs)]

    def work(offset: int) -> None:
        for number in range(rounds // threads):
            a_round(cut[(number * threads + offset) % runs])

    began = time.process_time()
    workers = [threading.Thread(target=work, args=(offset,)) for offset in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return (time.process_time() - began) / (rounds // threads * threads) * 1e6


def main(rounds: int) -> None:
    print(f"  one ledger                               {micros(Ledger(WIDE, PRICE), rounds):6.1f} µs a round")
    nested = Ledger(WIDE, PRICE).child(WIDE).child(WIDE)
    print(f"  a child of a child                       {micros(nested, rounds):6.1f}")
    print(f"  1,000 runs that share one, on 8 threads  {shared(rounds):6.1f}")
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger.within(DayBook(Path(folder) / "today.json", 1e9), WIDE)
        ledger.price = PRICE
        print(f"  with a day's cap, which is a file        {micros(ledger, rounds // 10):6.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
