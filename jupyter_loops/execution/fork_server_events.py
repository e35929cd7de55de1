"""The messages of a zygote: that a child has ended, and answers to orders."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from itertools import count
from typing import Any

from .border import field
from .channel import Channel, GarbageError, HungUpError, OversizedError

_KILLED = 9  # the wait status of all children once their zygote has ended


class ForkServerEvents:
    """Receives on one channel until it hangs up. Then every child has ended."""

    def __init__(self, control: Channel) -> None:
        self._control, self._numbers = control, count(1)
        self._ended: dict[int, asyncio.Future[int]] = {}  # child → its end
        self._pids: dict[int, int] = {}  # child → pid
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}  # kind of message → the awaited answer
        self._listening = asyncio.create_task(self._listen())

    @property
    def open(self) -> bool:
        """Whether more messages may arrive."""
        return not (self._listening.done() or self._listening.cancelling())

    @property
    def starting(self) -> bool:
        """Whether a child is starting whose pid is not known yet."""
        return len(self._pids) < len(self._ended)

    @property
    def pids(self) -> Iterable[int]:
        """The pids of the children that live, as far as the kernel knows."""
        return self._pids.values()

    def child(self) -> tuple[int, asyncio.Future[int]]:
        """The number of a new child, and a future of its wait status."""
        number, ended = next(self._numbers), asyncio.get_running_loop().create_future()
        self._ended[number] = ended
        return number, ended

    def started(self, number: int, pid: int) -> None:
        """Record that the child has started."""
        self._pids[number] = pid

    def expect(self, kind: str) -> asyncio.Future[dict[str, Any]]:
        """A future of the next message of this kind. It fails with HungUpError when the channel hangs up."""
        answer = self._answers[kind] = asyncio.get_running_loop().create_future()
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())  # no warning if nobody awaits it
        return answer

    def close(self) -> None:
        """Stop receiving."""
        self._listening.cancel()

    async def _listen(self) -> None:
        try:
            while True:
                message, _ = await self._control.receive()
                answer = self._answers.get(str(message.get("said")))
                if answer is None:
                    self._end(field(message, "attempt", int), field(message, "status", int))
                elif not answer.done():
                    answer.set_result(message)
        except (HungUpError, GarbageError, OversizedError):
            pass
        finally:
            for number in list(self._ended):
                self._end(number, _KILLED)
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(HungUpError())

    def _end(self, number: int, status: int) -> None:
        self._pids.pop(number, None)
        ended = self._ended.pop(number, None)
        if ended is not None and not ended.done():
            ended.set_result(status)
