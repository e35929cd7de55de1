"""A verified run leaves lessons for later runs of its loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from jupyter_loops.core.termination import StopReason, Termination
from jupyter_loops.errors import HistoryError

if TYPE_CHECKING:
    from jupyter_loops.history import History


async def learning(running: Awaitable[Termination], history: History, loop: str, run_id: str) -> Termination:
    """The run's end, once its lessons are stored. Where they cannot be, the history has a notice."""
    end = await running
    if end.reason is StopReason.VERIFIED:
        try:
            await asyncio.to_thread(_learn, history, loop, run_id)
        except HistoryError as error:
            history.notice(f"run {run_id} left no lesson: {error}")
    return end


def _learn(history: History, loop: str, run_id: str) -> None:
    from jupyter_loops.history.lessons import lessons

    row = history.run(run_id)
    if row is not None and row["code"] and row["best_iteration"]:
        history.add_lessons(
            loop, run_id, lessons(history.rounds(run_id), history.verdicts(run_id), row["best_iteration"])
        )
