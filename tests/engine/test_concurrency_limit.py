"""The limit of calls in flight finds its level, is fair, and waits when it is told to."""

import asyncio
import random

from jupyter_loops.engine.concurrency_limit import FIRST, ConcurrencyLimit


async def drive(limit, capacity, calls, latency=0.004):
    """A server that answers `capacity` calls at once; more of them wait in its queue."""
    server, latencies = asyncio.Semaphore(capacity), []

    async def call():
        await limit.acquire("map", 256)
        began = asyncio.get_running_loop().time()
        async with server:
            await asyncio.sleep(latency)
        seconds = asyncio.get_running_loop().time() - began
        latencies.append(seconds)
        limit.answered(seconds)
        limit.release("map")

    await asyncio.gather(*(call() for _ in range(calls)))
    return latencies


async def test_it_grows_while_answers_come_as_quickly_as_before():
    limit = ConcurrencyLimit()
    for _ in range(400):
        await limit.acquire("a", 256)
        for _ in range(int(limit.level) - 1):
            await limit.acquire("a", 256)
        for _ in range(limit.in_flight):
            limit.answered(0.05)
            limit.release("a")
        if limit.level > 100:
            break
    assert limit.level > 100


async def test_it_shrinks_where_answers_take_twice_as_long():
    limit = ConcurrencyLimit()
    for latency in (0.05, 0.05, 0.05, 0.2, 0.2):
        while limit.in_flight < int(limit.level):
            await limit.acquire("a", 256)
        before = limit.level
        while limit.in_flight:
            limit.answered(latency)
            limit.release("a")
    assert limit.level < before
    assert limit.level >= 1


async def test_refusals_of_calls_that_left_together_count_once():
    now = [0.0]
    limit = ConcurrencyLimit(lambda: now[0])
    for _ in range(FIRST):
        await limit.acquire("a", 64)
    for _ in range(FIRST):
        limit.refused()
        limit.release("a")
    assert limit.level == FIRST / 2
    now[0] += 1.0
    limit.refused()
    assert limit.level == FIRST / 4


async def test_nobody_is_admitted_during_a_pause():
    limit = ConcurrencyLimit()
    limit.pause(0.15)
    began = asyncio.get_running_loop().time()
    await limit.acquire("a", 4)
    assert asyncio.get_running_loop().time() - began >= 0.14
    assert limit.in_flight == 1


async def test_two_owners_share_the_level():
    limit, order = ConcurrencyLimit(), []
    for _ in range(FIRST):
        await limit.acquire("first", 64)

    async def ask(owner):
        await limit.acquire(owner, 64)
        order.append(owner)

    tasks = [asyncio.ensure_future(ask(owner)) for owner in ["first"] * 4 + ["second"] * 4]
    await asyncio.sleep(0)
    for _ in range(4):
        limit.release("first")
    await asyncio.sleep(0.01)
    assert order == ["second"] * 4
    for task in tasks:
        task.cancel()


async def test_whoever_is_cancelled_leaves_no_place_taken():
    limit, dice = ConcurrencyLimit(), random.Random(3)
    for _ in range(200):
        tasks = [asyncio.ensure_future(limit.acquire("a", 64)) for _ in range(20)]
        await asyncio.sleep(0)
        for task in dice.sample(tasks, 12):
            task.cancel()
        await asyncio.wait(tasks, timeout=0.001)
        for task in tasks:
            if task.done() and not task.cancelled():
                limit.release("a")
            task.cancel()
        await asyncio.wait(tasks)
    await asyncio.sleep(0.01)
    assert limit.in_flight == 0


async def test_a_real_queue_is_kept_full_and_short():
    limit = ConcurrencyLimit()
    latencies = await drive(limit, capacity=16, calls=1500)
    assert sorted(latencies[-500:])[250] < 10 * 0.004
