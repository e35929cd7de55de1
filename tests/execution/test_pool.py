"""How the runs of a kernel share its cores and its memory."""

from __future__ import annotations

import asyncio
import gc
import threading
from contextlib import AsyncExitStack

import pytest

from jupyter_loops.core.candidate import Exit, Limits
from jupyter_loops.core.host_question import HostAnswer
from jupyter_loops.core.recipe import Ask, Check, Word
from jupyter_loops.execution import pool as pools
from jupyter_loops.execution import tree
from jupyter_loops.execution.pool import Pool

WHEN = "import time\nprint(time.monotonic())\ntime.sleep({})\nprint(time.monotonic())\ndef f(x): return x"


@pytest.fixture
def line():
    """Claims on a pool with one place."""
    return Line()


class Line:
    def __init__(self, places: int = 1, free: int = 100) -> None:
        self.pool = Pool(places, lambda: free)
        self.admitted: list[str] = []
        self.turns: dict[str, pools.PoolSlot] = {}

    async def join(self, name: str, run: str, memory: int = 0) -> asyncio.Task[None]:
        turn = self.turns[name] = self.pool.slot(run, memory)

        async def wait() -> None:
            await turn.acquire()
            self.admitted.append(name)

        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        return task

    async def end(self, name: str) -> None:
        self.turns[name].release()
        await asyncio.sleep(0.001)


async def test_the_run_with_the_fewest_at_work_is_next_and_then_the_longest_waiting(line):
    line.pool.places = 2
    for name, run in (("a1", "a"), ("a2", "a"), ("a3", "a"), ("b1", "b"), ("b2", "b")):
        await line.join(name, run)
    assert line.admitted == ["a1", "a2"]
    for name in ("a1", "a2", "b1", "a3", "b2"):
        await line.end(name)

    assert line.admitted == ["a1", "a2", "b1", "a3", "b2"]


async def test_who_is_cancelled_leaves_the_line(line):
    await line.join("a", "a")
    waiting = await line.join("b", "b")
    await line.join("c", "c")
    waiting.cancel()
    await line.end("a")

    assert line.admitted == ["a", "c"]


async def test_who_is_cancelled_just_when_its_turn_comes_passes_it_on(line):
    await line.join("a", "a")
    called = await line.join("b", "b")
    await line.join("c", "c")
    line.turns["a"].release()  # b is called, and has not heard it yet
    called.cancel()
    await line.end("a")

    assert line.admitted == ["a", "c"]
    assert called.cancelled()


@pytest.mark.parametrize(("memory", "at_once"), [(30, 3), (60, 1), (500, 1), (0, 4)])
async def test_no_more_run_than_fit_into_memory_with_what_they_may_use_and_one_always_does(memory, at_once):
    line = Line(places=4, free=100)
    for name in "abcd":
        await line.join(name, name, memory)

    assert len(line.admitted) == at_once
    for name in line.admitted.copy():
        await line.end(name)
    assert len(line.admitted) == min(4, 2 * at_once)


async def test_event_loops_of_several_threads_share_the_places():
    pool, most, busy = Pool(2), [], []

    async def work() -> None:
        for _ in range(20):
            turn = pool.slot(object(), None)
            await turn.acquire()
            busy.append(1)
            most.append(len(busy))
            await asyncio.sleep(0.0005)
            busy.pop()
            turn.release()

    async def many() -> None:
        await asyncio.gather(*(work() for _ in range(5)))

    threads = [threading.Thread(target=asyncio.run, args=(many(),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join, 20)

    assert max(most) == 2
    assert len(most) == 300


def test_a_claim_of_an_event_loop_that_is_closed_holds_up_nobody():
    pool = Pool(1)
    first, lost, last = (pool.slot(name, None) for name in "abc")
    loop = asyncio.new_event_loop()
    loop.run_until_complete(first.acquire())
    waiting = loop.create_task(lost.acquire())
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    first.release()

    asyncio.run(asyncio.wait_for(last.acquire(), 1))
    waiting.get_coro().close()  # as the interpreter would
    del waiting
    gc.collect()


def test_children_that_wait_are_bounded_and_a_run_that_sleeps_gives_way(monkeypatch):
    pool, gone = Pool(1), []
    kept = [pool.keep(run, lambda run=run: gone.append(run)) for run in "abc"]
    again = pool.keep("a", lambda: gone.append("a"))
    monkeypatch.setattr(pools, "_ASLEEP", 0.0)
    late = pool.keep("d", lambda: gone.append("d"))
    pool.forget("d")

    assert (kept, again, late) == ([True, True, False], True, True)
    assert gone == ["b"], "a has had a candidate since"
    assert pool.keep("e", gone.clear)
    assert gone == ["b"]


async def test_runs_at_once_have_no_more_candidates_at_work_than_places_and_no_wait_is_billed(
    level, open_sandbox, make_recipe
):
    limits, pool = Limits(seconds=0.6), Pool(2)
    async with AsyncExitStack() as stack:
        boxes = [
            await stack.enter_async_context(open_sandbox(level, make_recipe("assert f(1)"), limits, pool=pool))
            for _ in range(4)
        ]
        candidates = [box.run(WHEN.format(0.1)) for box in boxes for _ in range(4)]
        outcomes = await asyncio.gather(*candidates)

    assert [outcome.passed for outcome in outcomes] == [[True]] * 16, "each waited for longer than its limit, or nearly"
    spans = [tuple(map(float, outcome.executed.stdout.split())) for outcome in outcomes]
    at_once = max(sum(start <= moment < end for start, end in spans) for moment, _ in spans)
    assert at_once == 2
    assert max(end for _, end in spans) - min(start for start, _ in spans) > 0.7


async def test_what_waits_for_an_answer_lets_others_run(open_sandbox, make_recipe):
    ask = Ask(word=Word.JUDGE, source="judge(f(1), 'r')", rubric="r")
    judged = Check(name="judge", source="assert judge(f(1), 'r') > 0.5", line=9, asks=(ask,))
    pool = Pool(1)
    async with (
        open_sandbox("process", make_recipe(judged), pool=pool) as asking,
        open_sandbox("process", make_recipe("assert f(1)"), pool=pool) as other,
    ):

        async def answer(_: object) -> HostAnswer:
            assert (await asyncio.wait_for(other.run("def f(x): return x"), 10)).passed == [True]
            return HostAnswer(value=0.9)

        async with asking.sandbox.attempt(_code("def f(x): return 'fine'")) as attempt:
            await attempt.execute()
            verdicts, _ = await attempt.examine((judged,), answer)

    assert [verdict.passed for verdict in verdicts] == [True]


async def test_a_candidate_that_is_killed_or_cancelled_makes_room(open_sandbox, make_recipe):
    limits, pool = Limits(seconds=0.3), Pool(1)
    async with open_sandbox("process", make_recipe("assert f(1)"), limits, pool=pool) as box:
        endless, waiting = (asyncio.create_task(box.run("while True: pass")) for _ in "ab")
        await asyncio.sleep(0.1)
        waiting.cancel()
        assert (await endless).executed.exit is Exit.WALL
        busy = asyncio.create_task(box.run("while True: pass"))
        await asyncio.sleep(0.1)
        busy.cancel()
        assert (await asyncio.wait_for(box.run("def f(x): return x"), 10)).passed == [True]


async def test_many_open_runs_keep_few_children_waiting(open_sandbox, make_recipe):
    pool = Pool(1)
    async with AsyncExitStack() as stack:
        boxes = [
            await stack.enter_async_context(open_sandbox("process", make_recipe("assert f(1)"), pool=pool))
            for _ in range(5)
        ]
        for box in boxes:
            assert (await box.run("def f(x): return x")).passed == [True]
            await box.sandbox._clearing.done()
        waiting = [await box.sandbox._prewarmed.child for box in boxes if box.sandbox._prewarmed.child is not None]

        assert len(waiting) == 2
        assert sum(len(tree.children(box.sandbox._workers.now.pid)) for box in boxes) == 2


async def test_a_run_that_sleeps_loses_its_child_to_one_that_works_and_gets_another(
    open_sandbox, make_recipe, monkeypatch
):
    monkeypatch.setattr(pools, "_ASLEEP", 0.0)
    monkeypatch.setattr(pools, "_IDLE", 1)
    pool, recipe = Pool(1), make_recipe("assert f(1)")
    async with (
        open_sandbox("process", recipe, pool=pool) as sleeper,
        open_sandbox("process", recipe, pool=pool) as worker,
    ):
        await worker.sandbox._prewarmed.child
        await asyncio.sleep(0)  # the sleeper is told by a callback of its loop
        await sleeper.sandbox._tasks.done()
        assert not sleeper.children()
        assert (await sleeper.run("def f(x): return x")).passed == [True]


def _code(text):
    from jupyter_loops.core.candidate import Candidate, CandidateKind

    return Candidate(kind=CandidateKind.CODE, text=text)
