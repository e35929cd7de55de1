"""Examines the answers for rows of a map in batches, each batch in a new fork of the warm child.

A row whose batch ends early (a limit, a crash) is examined once more alone, so that only the row at fault fails.
"""

from __future__ import annotations

import asyncio
import pickle
import secrets
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jupyter_loops.core.candidate import Delivery, Exit, Observation, Verdict
from jupyter_loops.core.ports import World
from jupyter_loops.core.recipe import Check
from jupyter_loops.core.row import Row
from jupyter_loops.errors import PreflightError

from . import border
from .blueprint import program
from .channel import GarbageError, HungUpError, OversizedError
from .ending import Ending, ending_of_status, explain
from .examination import Examination
from .fork import Fork
from .namespace_payload import NamespacePayload
from .pool import Pool, PoolSlot

BATCH = 64  # rows that one process examines at most
_EXITS = frozenset({"ok", "invalid", "raised"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RowExamination:
    """What the examiner found for one answer of one row."""

    observation: Observation
    verdicts: Mapping[int, Verdict] = field(default_factory=dict)  # by the check's number
    delivery: Delivery = field(default_factory=Delivery)


@dataclass(slots=True, eq=False)
class _Order:
    """One row that waits for its examination."""

    text: str | None  # the answer; None: only the row's set-up runs
    item: bytes
    is_table_row: bool
    done: asyncio.Future[RowExamination]
    alone: bool = False  # its batch ended early


def pickled(item: object) -> tuple[bytes, bool]:
    """The item as the examiner gets it, and whether it is a row of a table. Raises PreflightError."""
    import cloudpickle

    try:
        if isinstance(item, Row):
            return pickle.dumps(dict(item), 5), True
        return cloudpickle.dumps(item, 5), False
    except Exception as error:
        raise PreflightError(f"the item cannot travel to the sandbox: {type(error).__name__}: {error}") from error


class RowBatches:
    """Collects rows and examines them. Belongs to one event loop."""

    def __init__(
        self,
        world: World,
        fork: Callable[[], Any],  # a coroutine that gives a Fork
        pool: Pool,
        *,
        isolation: str,
        setup: Mapping[str, Any] | None = None,
        size: int = BATCH,
        private: NamespacePayload | None = None,
    ) -> None:
        """`setup` is the part of the cell's set-up that reads `row`: filename, text and code."""
        self._world, self._fork, self._pool = world, fork, pool
        self._isolation, self._size, self._private = isolation, size, private
        self._checks = [check for layer in world.recipe.examined_layers for check in layer]
        layers = [Examination(world.recipe, layer, program()).orders() for layer in world.recipe.examined_layers]
        self._content = {"setup": None if setup is None else dict(setup), "layers": layers}
        self._waiting: deque[_Order] = deque()
        self._runners: set[asyncio.Task[None]] = set()
        self.has_setup = setup is not None

    async def examine(self, text: str | None, item: bytes, *, is_table_row: bool) -> RowExamination:
        """Examine one answer. Raises SandboxError."""
        order = _Order(text, item, is_table_row, asyncio.get_running_loop().create_future())
        self._waiting.append(order)
        if not self._runners or (len(self._waiting) > self._size and len(self._runners) < self._pool.places):
            self._runners.add(asyncio.ensure_future(self._run()))
        return await order.done

    async def close(self) -> None:
        """Wait until every process has ended."""
        for order in self._waiting:
            order.done.cancel()
        self._waiting.clear()
        if self._runners:
            await asyncio.wait(self._runners)

    async def _run(self) -> None:
        """Examine batches until no row waits."""
        slot, runner = self._pool.slot(self, self._world.limits.memory_bytes), asyncio.current_task()
        assert runner is not None
        try:
            while self._waiting:
                await slot.acquire()
                await self._run_batch(slot)
        finally:
            self._runners.discard(runner)  # here, and not in a callback: a row that comes now needs another runner

    async def _run_batch(self, slot: PoolSlot) -> None:
        batch = self._next_batch()
        try:
            if batch:
                await self._examine_batch(batch)
        except Exception as error:  # noqa: BLE001 - whoever waits for a row gets it
            for order in batch:
                if not order.done.done():
                    order.done.set_exception(error)
        finally:
            slot.release()

    def _next_batch(self) -> list[_Order]:
        batch: list[_Order] = []
        while self._waiting and len(batch) < self._size:
            if self._waiting[0].alone and batch:
                break
            order = self._waiting.popleft()
            if not order.done.done():  # otherwise its run was stopped
                batch.append(order)
                if order.alone:
                    break
        return batch

    async def _examine_batch(self, batch: Sequence[_Order]) -> None:
        fork: Fork = await self._fork()
        try:
            number, ending = await self._receive(fork, batch)
        finally:
            await fork.end()
        unfinished = [order for order in batch[number:] if not order.done.done()]
        if ending is None or not unfinished:
            return
        if len(batch) == 1:
            unfinished[0].done.set_result(RowExamination(observation=self._ended(ending)))
            return
        for order in reversed(unfinished):
            order.alone = True
            self._waiting.appendleft(order)

    async def _receive(self, fork: Fork, batch: Sequence[_Order]) -> tuple[int, Ending | None]:
        """Take the results as they come; how many came, and how the process ended early."""
        token, number = secrets.token_hex(8), 0
        rows = [(order.text, order.item, order.is_table_row) for order in batch]
        message: dict[str, Any] = {"token": token, "rows": rows, **self._content}
        files: tuple[int, ...] = ()
        if self._private is not None:
            message["private"] = self._private.order()
            files = () if self._private.path else (self._private.file.fileno(),)
        try:
            await fork.channel.send(message, files)
            while number < len(batch):
                async with asyncio.timeout(self._world.limits.seconds):
                    reply, _ = await fork.channel.receive()
                for result in self._results(reply, token, len(batch) - number):
                    order = batch[number]
                    if not order.done.done():
                        order.done.set_result(self._read(result))
                    number += 1
        except TimeoutError:
            return number, Ending(Exit.WALL, explain(Exit.WALL, self._world.limits), None)
        except OversizedError:
            return number, Ending(Exit.OUTPUT, explain(Exit.OUTPUT, self._world.limits), None)
        except GarbageError as error:
            return number, Ending(Exit.GARBAGE, f"{explain(Exit.GARBAGE, self._world.limits)}: {error}", None)
        except HungUpError:
            await asyncio.wait({fork.ended}, timeout=1.0)
            status = fork.ended.result() if fork.ended.done() else 9
            return number, Ending(*ending_of_status(status, self._world.limits), None)
        return number, None

    def _results(self, reply: dict[str, Any], token: str, most: int) -> list[dict[str, Any]]:
        results = border.field(reply, "rows", list)
        if reply.get("token") != token or len(results) > most or not all(isinstance(one, dict) for one in results):
            raise GarbageError("rows")
        return results

    def _read(self, result: dict[str, Any]) -> RowExamination:
        how = border.field(result, "exit", str)
        if how not in _EXITS:
            raise GarbageError("exit")
        examination = Examination(self._world.recipe, self._checks, program())
        for verdict in border.field(result, "verdicts", list):
            examination.add_verdict({"said": "verdict", "verdict": verdict}, [])
        observation = Observation(
            exit=Exit(how),
            fault=border.fault(result.get("fault")),
            seconds=border.number(result, "seconds"),
            isolation=self._isolation,
        )
        return RowExamination(
            observation=observation,
            verdicts={verdict.index: verdict for verdict in examination.verdicts("")},
            delivery=Delivery(values=border.field(result, "values", dict)),
        )

    def _ended(self, ending: Ending) -> Observation:
        return Observation(exit=ending.exit, fault=ending.fault, isolation=self._isolation)


def checks_change_shared_names(checks: Sequence[Check], own: frozenset[str]) -> bool:
    """Whether a check changes a value that other rows of its batch would see."""
    orders = [program()(check, 0) for check in checks]
    return any(set(order["changes"]) - own for order in orders)
