"""The cycle of a map: pilot, question, all rows side by side, end. On one ledger, with memory that stays flat."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

from jupyter_loops.core.events import NoteAdded, RunEnded, RunStarted
from jupyter_loops.core.host_question import Approval
from jupyter_loops.core.plain import plain
from jupyter_loops.core.termination import StopReason, Termination
from jupyter_loops.engine.approval_gate import Callback
from jupyter_loops.engine.concurrency_limit import ConcurrencyLimit
from jupyter_loops.engine.endings import REASONS
from jupyter_loops.engine.event_recorder import EventRecorder
from jupyter_loops.engine.run_nesting import CURRENT, RunNesting
from jupyter_loops.errors import LoopError

from .map_options import MapOptions
from .map_progress import MapProgress
from .pilot import PilotProjection
from .row_outcome import RowOutcome, RowOutcomes
from .row_runner import PreparedRow, RowRunner, row_budget
from .row_source import BLOCK, InputRow, RowSource

_GRACE = 5.0  # seconds that rows get to stop
_SAME_ERRORS = 10  # rows in a row that end with an error, before the map ends
_MARGIN = 8  # rows beyond those whose calls are in flight: they are examined, or written
_BUDGETS = frozenset({StopReason.BUDGET_USD, StopReason.BUDGET_TOKENS, StopReason.BUDGET_TIME, StopReason.BUDGET_CALLS})


@dataclass(slots=True, kw_only=True)
class MapCycle:
    """One map. `run()` takes it from its start to its Termination."""

    source: RowSource
    runner: RowRunner | None = None  # once the set-up has run
    open_runner: Callable[[], object]  # a coroutine that gives the runner
    close_runner: Callable[[], object]  # a coroutine
    started: Callable[[RowRunner], RunStarted]
    options: MapOptions
    nesting: RunNesting
    recorder: EventRecorder
    progress: MapProgress
    outcomes: RowOutcomes
    limits: Sequence[ConcurrencyLimit] = ()  # of the models
    retry: bool = False
    fresh: bool = False
    attended: bool = False  # a person is there to be asked
    callback: Callback | None = None  # answers in a person's place
    seed: int | None = None
    changed: Callable[[], None] = lambda: None  # the view has something to draw
    projection: PilotProjection | None = None
    began: bool = False
    _running: set[asyncio.Task[None]] = field(init=False, default_factory=set)
    _ended: asyncio.Event = field(init=False, default_factory=asyncio.Event)  # a row has
    _stop: Termination | None = field(init=False, default=None)  # why no more rows start
    _fatal: BaseException | None = field(init=False, default=None)
    _errors: int = field(init=False, default=0)  # rows in a row that ended with an error
    _reader: ThreadPoolExecutor = field(
        init=False, default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="jupyter-loops rows")
    )

    async def run(self) -> Termination:
        """Run to the end, and clean up. Raises LoopError where the map could not begin, HistoryError."""
        CURRENT.set(self.nesting)
        try:
            end = await self._until_it_ends()
        finally:
            self.nesting.control.detach()
            self.nesting.end()
            self._reader.shutdown(wait=False, cancel_futures=True)
            await asyncio.shield(self._close())
        self.nesting.ledger.watch.stop()
        usage = self.nesting.ledger.usage
        self.recorder.say(RunEnded(reason=end.reason, message=end.message, usage=plain(usage), iterations=0, best=None))
        self.changed()
        return end

    async def _close(self) -> None:
        await self.close_runner()  # type: ignore[misc]  # a coroutine

    async def _until_it_ends(self) -> Termination:
        task = asyncio.current_task()
        assert task is not None
        self.nesting.control.attach(task)
        try:
            self.runner = await self.open_runner()  # type: ignore[misc]  # a coroutine
            assert self.runner is not None
            self.recorder.say(self.started(self.runner))
            for note in self.runner.notes:
                self.recorder.note(note)
            self.began = True
            self.nesting.ledger.watch.restart()
            self.progress.start()
            end = await self._pilot() if self.options.sample else None
            if end is None:
                await self._work(self._rows())
        except asyncio.CancelledError:
            if self.nesting.control.stopping is None or not self.began:
                await self._stop_rows(StopReason.INTERRUPTED)
                raise
            await self._stop_rows(self.nesting.control.stopping)
            task.uncancel()
            end = Termination(self.nesting.control.stopping, f"{self.nesting.control.stopping} by hand; {self._tally}")
        except BaseException:
            await self._stop_rows(StopReason.ERROR)
            raise
        if self._fatal is not None:
            raise self._fatal
        return end or self._end()

    # ---- pilot

    async def _pilot(self) -> Termination | None:
        """Work on a sample, project the rest, and ask whether to go on; the end where it does not."""
        await self._work(self._sample())
        if self._stop is not None or self._fatal is not None or self.progress.total == self.progress.done:
            return None
        self.projection = PilotProjection.of(self.progress, self.nesting.ledger.budget, self.nesting.ledger.usage)
        self.recorder.say(NoteAdded(iteration=0, message=str(self.projection)))
        self.changed()
        if self.projection.too_dear:
            reason = REASONS[self.projection.limit]
            message = f"{self.projection.too_dear}: raise the limit, or take fewer rows; {self._tally}"
            return Termination(reason, message)
        if self.options.yes:
            return None
        if not self.attended and self.callback is None:
            return Termination(
                StopReason.STOPPED, f"the pilot is done, and nobody is here to ask: --yes goes on; {self._tally}"
            )
        if await self._asked(self.projection):
            return None
        return Termination(StopReason.STOPPED, f"stopped after the pilot; {self._tally}")

    async def _asked(self, projection: PilotProjection) -> bool:
        """A person's word. The clock stands still meanwhile."""
        control, run = self.nesting.control, self.nesting.run
        question = "go on with all rows?"
        approval = Approval(run=run, iteration=0, number=1, check=question, kind="text", value=str(projection))
        if self.callback is not None:
            return await asyncio.to_thread(self.callback, approval) is True
        control.ask(approval)
        self.changed()
        try:
            with self.nesting.ledger.watch.paused():
                while (reply := control.answered()) is None:
                    await control.changed()
        finally:
            control.ask(None)
            self.changed()
        self.recorder.say(NoteAdded(iteration=0, message=f"{'goes on' if reply[0] else 'stopped'} after the pilot"))
        return reply[0]

    async def _sample(self) -> AsyncIterator[list[InputRow]]:
        """Random rows; the first ones of a stream."""
        size = self.options.sample or 0
        if self.source.total is not None and self.source.pick is not None:
            positions = sorted(random.Random(self.seed).sample(range(self.source.total), min(size, self.source.total)))  # noqa: S311  # no secret
            for start in range(0, len(positions), BLOCK):
                rows = self.source.sample(positions[start : start + BLOCK])
                assert rows is not None
                yield rows
            return
        while size > 0 and (rows := await self._block(min(size, BLOCK))):
            size -= len(rows)
            yield rows

    # ---- all rows

    async def _rows(self) -> AsyncIterator[list[InputRow]]:
        while rows := await self._block(BLOCK):
            yield [row for row in rows if row.position not in self.outcomes]
        if self.progress.total is None:
            self.progress.total = self.progress.done + len(self._running)

    async def _block(self, most: int) -> list[InputRow]:
        """The next rows, read on a thread of their own; no longer than the map has time."""
        loop, seconds = asyncio.get_running_loop(), self.nesting.ledger.remaining_seconds
        reading = loop.run_in_executor(self._reader, self.source.block, most)
        try:
            async with asyncio.timeout(seconds):
                return await reading
        except TimeoutError:
            self._stop = Termination(StopReason.BUDGET_TIME, "out of time while the rows were read")
            return []

    async def _work(self, blocks: AsyncIterator[list[InputRow]]) -> None:
        """Run the rows, as many at once as the models take."""
        assert self.runner is not None
        try:
            async for block in blocks:
                for prepared in await self._prepare(block):
                    await self._room()
                    if self._stop is not None or self._fatal is not None:
                        return
                    task = asyncio.create_task(self._run_row(prepared))
                    self._running.add(task)
                    task.add_done_callback(self._row_ended)
        except LoopError as error:
            if self._stop is None:
                self._stop = Termination(StopReason.ERROR, str(error))
        finally:
            if self._running and not self._cancelled:
                await asyncio.wait(self._running)

    @property
    def _cancelled(self) -> bool:
        return self.nesting.control.stopping is not None

    async def _prepare(self, block: Sequence[InputRow]) -> list[PreparedRow]:
        """The rows with what the history knows of them."""
        assert self.runner is not None
        rows = [self.runner.prepare(row) for row in block]
        digests = [row.digest for row in rows if row.digest]
        if not self.fresh and digests:
            look_up = self.runner.row_history.stored_rows
            stored = await asyncio.to_thread(look_up, digests, retry=self.retry)
            for row in rows:
                row.stored = stored.get(row.digest)
                if row.stored is not None and row.stored.restored is not None:
                    del stored[row.digest]  # one run goes on with one row; equal rows have runs of their own
        return rows

    async def _room(self) -> None:
        """Wait until one more row may start, and while the map is paused."""
        control = self.nesting.control
        while True:
            control.take_steers()
            if control.paused:
                await control.changed()
            elif len(self._running) < self._most:
                return
            else:
                self._ended.clear()
                await self._ended.wait()

    @property
    def _most(self) -> int:
        """Rows at once: twice the calls that may be in flight, so that examining rows hold up no call."""
        level = max((int(limit.level) for limit in self.limits), default=1)
        return min(2 * level, 2 * self.options.concurrency) + _MARGIN

    def _row_ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._ended.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fatal = self._fatal or error

    async def _run_row(self, prepared: PreparedRow) -> None:
        assert self.runner is not None
        self.progress.running += 1
        try:
            stages = await self.runner.run(prepared)
        finally:
            self.progress.running -= 1
        for stage in stages:
            if not stage.stored:
                self.progress.count_stage(stage.model, verified=stage.verified, usd=stage.usd, tokens=stage.tokens)
        outcome = _together(stages)
        self.outcomes.add(prepared.row, outcome)
        self.progress.add(outcome)
        self._look(outcome)
        self.changed()

    def _look(self, outcome: RowOutcome) -> None:
        """End the map where a row's end says that others would end likewise."""
        self._errors = self._errors + 1 if outcome.state == StopReason.ERROR else 0
        if self._stop is not None:
            return
        if outcome.state in _BUDGETS and self._is_the_maps(outcome.state):
            self._stop = Termination(StopReason(outcome.state), self._budget_words(outcome.state))
        elif outcome.state == StopReason.BREAKER_OPEN:
            self._stop = Termination(StopReason.BREAKER_OPEN, outcome.error)
        elif self._errors >= _SAME_ERRORS and not self.progress.verified:
            self._stop = Termination(StopReason.ERROR, f"{self._errors} rows in a row failed: {outcome.error}")

    def _is_the_maps(self, reason: str) -> bool:
        assert self.runner is not None
        limit = next(name for name, one in REASONS.items() if one == reason)
        return getattr(row_budget(self.runner.stages[0].options), limit) is None

    def _budget_words(self, reason: str) -> str:
        limit = next(name for name, one in REASONS.items() if one == reason)
        allowed = getattr(self.nesting.ledger.budget, limit)
        spent = getattr(self.nesting.ledger.usage, limit)
        return f"the next call may not fit: {spent:g} of {allowed:g} {limit} used by {self.nesting.name}"

    async def _stop_rows(self, reason: StopReason) -> None:
        self.nesting.stop_children(reason)
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=_GRACE)
            for task in late:
                task.cancel()
            with suppress(asyncio.CancelledError):
                if late:
                    await asyncio.wait(late)

    # ---- the end

    @property
    def _tally(self) -> str:
        done, total = self.progress.done, self.progress.total
        of = f" of {total:,}" if total is not None else ""
        return f"{self.progress.verified:,}{of} rows verified, {done - self.progress.verified:,} not"

    def _end(self) -> Termination:
        """Verified where every row is."""
        if self._stop is not None:
            return Termination(self._stop.reason, f"{self._stop.message}; {self._tally}")
        if self.progress.verified == self.progress.done:
            rows = self.progress.done
            every = "the only row is" if rows == 1 else f"all {rows:,} rows are"
            return Termination(StopReason.VERIFIED, f"{every} verified")
        failed = self.progress.failed_by_state
        most = max(failed, key=failed.__getitem__)
        return Termination(StopReason(most), self._tally)


def _together(stages: Sequence[RowOutcome]) -> RowOutcome:
    """One outcome of a row that several models worked on: the last, with the cost of all."""
    from dataclasses import replace

    last = stages[-1]
    if len(stages) == 1:
        return last
    return replace(
        last,
        rounds=sum(stage.rounds for stage in stages),
        usd=sum(stage.usd for stage in stages),
        tokens=sum(stage.tokens for stage in stages),
        calls=sum(stage.calls for stage in stages),
        seconds=round(sum(stage.seconds for stage in stages), 3),
        stored=all(stage.stored for stage in stages),
    )
