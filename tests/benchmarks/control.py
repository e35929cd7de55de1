"""What control costs: ledger, termination and breaker checks of one round; a thousand runs on one ledger."""

from __future__ import annotations

import asyncio
import statistics
import sys
import time

from target import beside

from jupyter_loops.core.budget import Budget, Price, Usage
from jupyter_loops.core.condition import Position
from jupyter_loops.core.stop_conditions import Iterations, Plateau, Usd, Verified
from jupyter_loops.engine.breaker import Breakers
from jupyter_loops.engine.ledger import Ledger

PRICE = Price(prompt=1e-6, completion=4e-6)
ROUNDS, RUNS, CALLS = 2000, 1000, 20


def one_round() -> float:
    """Median seconds of processor time of a round's checks, in batches of a hundred."""
    ledger, breakers = Ledger(Budget(usd=None, tokens=10**9, iterations=10**9), PRICE), Breakers()
    until = Verified() | Iterations(10**9) | Usd(10**6) & Plateau(10**6)
    batches = []
    for _ in range(ROUNDS // 100):
        began = time.process_time()
        for _ in range(100):
            leave, _steps = breakers.admit("m")
            reserved = ledger.reserve(500, 1000)
            ledger.settle(reserved, Usage(usd=reserved.cost(500, 200) or 0.0, tokens=700, calls=1))
            breakers.answered(leave)
            ledger.count_iteration()
            assert ledger.exhausted() is None
            assert until.fired(Position(usage=ledger.usage, progress=0.5)) is None
        batches.append((time.process_time() - began) / 100)
    return statistics.median(batches)


async def share(ledgers: list[Ledger]) -> float:
    """Seconds of processor time of a call, with all ledgers calling at once."""

    async def run(ledger: Ledger) -> None:
        for _ in range(CALLS):
            reserved = ledger.reserve(100, 100)
            await asyncio.sleep(0)
            ledger.settle(reserved, Usage(usd=reserved.cost(100, 50) or 0.0, tokens=150, calls=1))

    began = time.process_time()
    await asyncio.gather(*map(run, ledgers))
    return (time.process_time() - began) / len(ledgers) / CALLS


def main() -> None:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    micro = min(one_round() for _ in range(times)) * 1e6
    print(f"  ledger + termination + breaker, a round   {micro:8.1f} us   {beside(micro, 50, 'us')}")
    free = Budget(usd=None, tokens=None)
    shared, alone = [], []
    for _ in range(times):
        outer = Ledger(Budget(usd=None, tokens=10**9), PRICE)
        children = [outer.child(free) for _ in range(RUNS)]
        for child in children:
            child.price = PRICE
        shared.append(asyncio.run(share(children)))
        assert outer.usage.calls == RUNS * CALLS
        alone.append(asyncio.run(share([Ledger(free, PRICE).child(free) for _ in range(RUNS)])))
    one, other = min(shared) * 1e6, min(alone) * 1e6
    print(f"  {RUNS} runs, a ledger each, a call           {other:8.1f} us")
    print(f"  {RUNS} runs on one ledger, a call            {one:8.1f} us   {beside(one / other, 1.5, 'x')}")


if __name__ == "__main__":
    main()
