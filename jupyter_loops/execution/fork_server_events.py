"""What a zygote tells of by itself: that a child has ended, and its answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from itertools import count
from typing import Any

from .border import field
from .channel import Channel, GarbageError, HungUpError, OversizedError

_KILLED = 9  # the wait status of all children of a zygote that is gone


class ForkServerEvents:
    """Heard on one channel until it hangs up; then every child has ended."""

    def __init__(self, control: Channel) -> None:
        self._control, self._numbers = control, count(1)
        self._ended: dict[int, asyncio.Future[int]] = {}  # child → its end
        self._born: dict[int, int] = {}  # child → pid
        self._said: dict[str, asyncio.Future[dict[str, Any]]] = {}  # answers that are waited for, by what they say
        self._listening = asyncio.create_task(self._listen())

    @property
    def comes(self) -> bool:
        """Whether there will be more."""
        return not (self._listening.done() or self._listening.cancelling())

    @property
    def expects(self) -> bool:
        """Whether a child is being born, of which nobody knows the pid."""
        return len(self._born) < len(self._ended)

    @property
    def pids(self) -> Iterable[int]:
        """Of the children that live, as far as we know."""
        return self._born.values()

    def child(self) -> tuple[int, asyncio.Future[int]]:
        """A number for a child to come, and its end."""
        number, ended = next(self._numbers), asyncio.get_running_loop().create_future()
        self._ended[number] = ended
        return number, ended

    def born(self, number: int, pid: int) -> None:
        """The child is there."""
        self._born[number] = pid

    def expect(self, said: str) -> asyncio.Future[dict[str, Any]]:
        """The next message that says so. HungUp when none comes any more."""
        answer = self._said[said] = asyncio.get_running_loop().create_future()
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())  # it may be that nobody asks
        return answer

    def close(self) -> None:
        """Listen no more."""
        self._listening.cancel()

    async def _listen(self) -> None:
        try:
            while True:
                message, _ = await self._control.receive()
                answer = self._said.get(str(message.get("said")))
                if answer is None:
                    self._end(field(message, "attempt", int), field(message, "status", int))
                elif not answer.done():
                    answer.set_result(message)
        except (HungUpError, GarbageError, OversizedError):
            pass
        finally:
            for number in list(self._ended):
                self._end(number, _KILLED)
            for answer in self._said.values():
                if not answer.done():
                    answer.set_exception(HungUpError())

    def _end(self, number: int, status: int) -> None:
        self._born.pop(number, None)
        ended = self._ended.pop(number, None)
        if ended is not None and not ended.done():
            ended.set_result(status)
