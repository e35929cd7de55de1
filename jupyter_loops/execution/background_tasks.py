"""Work that comes to its end whatever becomes of who waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


class BackgroundTasks:
    """Those of one run that are under way."""

    def __init__(self) -> None:
        self._under_way: set[asyncio.Future[None]] = set()

    def begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Future[None]:
        """Have it done; who waits may be cancelled, if it waits behind a shield."""
        task = asyncio.ensure_future(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def done(self) -> None:
        """Return once none is under way of those there are now."""
        await asyncio.gather(*self._under_way, return_exceptions=True)
