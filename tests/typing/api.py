"""The public API as a type checker sees it. Never run: `make lint` checks it."""

from __future__ import annotations

from typing import assert_type

from jupyter_loops import (
    Budget,
    Iterations,
    Loop,
    LoopError,
    NotVerified,
    Options,
    Plateau,
    Run,
    StopReason,
    Termination,
    Usd,
    Verified,
    seconds,
    tool,
)
from jupyter_loops.core.condition import Condition


@tool
def doubled(number: int) -> int:
    return 2 * number


loop = Loop.from_cell('"""Say hello."""\ngreeting: str\nassert greeting', "hello")
assert_type(loop, Loop)
assert_type(doubled(1), int)
assert_type(seconds(doubled, 1), float)

run = loop.run(model="local", usd=0.05, iterations=8)
assert_type(run, Run)
assert_type(run.wait(), Termination)
assert_type(run.wait().reason, StopReason)
assert_type(run.termination, Termination | None)
assert_type(loop.run(until=Verified() | Iterations(20) | Usd(0.5) & Plateau(3)), Run)
assert_type(Options(until="Verified() | Plateau(3)").condition, Condition | None)
assert_type(run.source, str)
assert_type(run.budget, Budget)
assert_type(Options(model="local").budget, Budget)


async def waited(other: Run) -> Termination:
    return await other


def refused(error: NotVerified) -> LoopError:
    return error
