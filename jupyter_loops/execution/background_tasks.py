"""Work that runs to its end even if the task that awaits it is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


class BackgroundTasks:
    """The background tasks of one run."""

    def __init__(self) -> None:
        self._under_way: set[asyncio.Future[None]] = set()

    def begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Future[None]:
        """Start the work. To wait for it, await it behind `asyncio.shield`."""
        task = asyncio.ensure_future(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def done(self) -> None:
        """Wait for all tasks that are running now."""
        await asyncio.gather(*self._under_way, return_exceptions=True)
