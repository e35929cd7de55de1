"""Independent attempts side by side: the first verified one wins, or the best score; the others are stopped at once."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, MutableMapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from jupyter_loops.core.budget import Budget, Usage
from jupyter_loops.core.events import RunEnded, RunStarted
from jupyter_loops.core.host_question import Approval
from jupyter_loops.core.plain import plain
from jupyter_loops.core.recipe import Recipe
from jupyter_loops.core.termination import StopReason, Termination, WithTermination
from jupyter_loops.engine.event_recorder import EventRecorder
from jupyter_loops.engine.run_nesting import RunNesting
from jupyter_loops.errors import LoopError, NotVerified
from jupyter_loops.run import Run
from jupyter_loops.view.lanes import Lane, LaneFigures
from jupyter_loops.view.notebook_place import NotebookPlace, notebook_place

if TYPE_CHECKING:
    from jupyter_loops.history import History

_LOOK = 0.1  # seconds between two looks at what the others learned
_SHARED = 300  # characters of what one attempt learns from another


@dataclass(slots=True, kw_only=True, repr=False, eq=False)
class AttemptGroup(WithTermination):
    """Several runs of one recipe. Methods may be called from any thread."""

    id: str
    recipe: Recipe
    history: History
    nesting: RunNesting
    model: str  # or models
    runs: Sequence[Run]
    share: bool = False
    place: NotebookPlace = field(default_factory=notebook_place)  # of the cell that started it
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    future: Future[Termination] = field(init=False)
    winner: Run | None = field(init=False, default=None)
    began: bool = field(init=False, default=False)

    @property
    def name(self) -> str:
        """The loop's name."""
        return self.recipe.name

    @property
    def usage(self) -> Usage:
        """What all attempts have spent; `iterations` are the rounds of all."""
        rounds = sum(run.usage.iterations for run in self.runs)
        return Usage(**asdict(self.nesting.ledger.usage) | {"iterations": rounds})

    @property
    def budget(self) -> Budget:
        """What all attempts together may spend."""
        return self.nesting.ledger.budget

    @property
    def accepted(self) -> bool:
        """Whether an attempt has a candidate that may be used."""
        return self.winner is not None and self.winner.accepted

    def bind(self, namespace: MutableMapping[str, Any]) -> None:
        """Put the winner's targets into `namespace`. Raises NotVerified when there are none, and DeliveryError."""
        self.check()
        if self.winner is not None:
            self.winner.bind(namespace)

    def check(self) -> None:
        """Raise NotVerified, with one line that says why, unless an attempt is accepted."""
        if self.termination is not None and not self.accepted:
            raise NotVerified(f"{self.name} is not verified: {self.termination.reason}, {self.termination.message}")

    def wait(self, timeout: float | None = None) -> Termination:
        """Block until it ends. Raises TimeoutError after `timeout` seconds, LoopError where no attempt could begin."""
        return self.future.result(timeout)

    def __await__(self) -> Generator[Any, None, Termination]:
        """Wait on any event loop. A cancelled waiter leaves the attempts going on."""
        return asyncio.shield(asyncio.wrap_future(self.future)).__await__()

    def stop(self, reason: StopReason = StopReason.STOPPED) -> None:
        """End all attempts now; the best candidate so far is kept."""
        for run in self.runs:
            run.stop(reason)

    def pause(self) -> None:
        """Hold all attempts before their next phase."""
        for run in self.runs:
            run.pause()

    def resume(self) -> None:
        """Go on."""
        for run in self.runs:
            run.resume()

    def hint(self, text: str) -> None:
        """Tell the models of all attempts something from the next round on."""
        for run in self.runs:
            run.hint(text)

    @property
    def waiting(self) -> Approval | None:
        """The first value that waits for a person, or None."""
        return next((run.waiting for run in self.runs if run.waiting is not None), None)

    def approve(self, comment: str = "", number: int | None = None) -> None:
        """Accept the first value that waits. Raises LoopError where none does."""
        self._waiting_run.approve(comment, number)

    def reject(self, comment: str = "", number: int | None = None) -> None:
        """Refuse the first value that waits. Raises LoopError where none does."""
        self._waiting_run.reject(comment, number)

    @property
    def _waiting_run(self) -> Run:
        waiting = next((run for run in self.runs if run.waiting is not None), None)
        if waiting is None:
            raise LoopError("nothing waits for approval")
        return waiting

    def raise_budget(self, **limits: float | None) -> None:
        """Set new limits of all attempts together: usd, tokens, seconds, calls. Raises LoopError."""
        for run in self.runs:
            if not run.future.done():
                run.raise_budget(**limits)
        self.nesting.ledger.amend(**limits)

    @property
    def counts(self) -> tuple[int, int, int | None]:
        """Attempts that are verified, that ended otherwise, and all."""
        ended = [run for run in self.runs if run.future.done()]
        verified = sum(run.accepted for run in ended)
        return verified, len(ended) - verified, len(self.runs)

    def figures(self) -> LaneFigures:
        """What a view draws of it now."""
        lanes = [
            Lane(words=self.lane(run), progress=max(run.cycle.state.best_key[0], 0.0), winner=run is self.winner)
            for run in self.runs
        ]
        end = self.termination
        message = "" if end is None else f"{end.reason}: {end.message}"
        return LaneFigures(name=self.name, lanes=lanes, asks=self.waiting is not None, message=message)

    def show(self) -> None:
        """Display the lanes as they stand now."""
        from IPython import display

        figures, put = self.figures(), display.display
        put({"text/html": figures.html(), "text/plain": figures.text()}, raw=True)  # type: ignore[no-untyped-call]

    def __repr__(self) -> str:
        """One line, without payloads."""
        end = self.termination
        how = f"{end.reason}: {end.message}" if end else str(self.error or f"{len(self.runs)} attempts")
        return f"<AttemptGroup {self.name} {self.id} · {how}>"

    def lane(self, run: Run) -> str:
        """One attempt in one line: its model, where it is, its best, its cost."""
        state, checks, spent = run.cycle.state, len(self.recipe.checks), run.usage
        score = state.best_score(self.recipe)
        best = "no candidate" if state.best is None else f"{state.best.passed()} of {checks} checks"
        reached = best if score is None else f"score {score:.6g}"
        never = "stopped before it began" if run.future.cancelled() else ""
        how = run.termination.reason if run.termination is not None else never or str(run.error or run.state)
        number = 1 + [*self.runs].index(run)
        return (
            f"attempt {number}, {run.cycle.model.name}: {how}, round {spent.iterations}, {reached}, "
            f"${spent.usd:.4g}, {spent.tokens:,} tokens"
        )

    # ---- on the engine's thread

    async def follow(self, recorder: EventRecorder, started: RunStarted) -> Termination:
        """Wait for the winner, stop the others, and put the end on the record. Raises what ended all attempts."""
        recorder.say(started)
        self.began = True
        self.nesting.ledger.watch.restart()
        waiting = {asyncio.ensure_future(_ended(run)): run for run in self.runs}
        learned = dict.fromkeys(range(len(self.runs)), 0)
        try:
            while waiting:
                done, _ = await asyncio.wait(
                    waiting, timeout=_LOOK if self.share else None, return_when=asyncio.FIRST_COMPLETED
                )
                for one in done:
                    self._take(waiting.pop(one))
                if self.share:
                    self._share(learned)
        finally:
            self.nesting.end()
        self.nesting.ledger.watch.stop()
        begun = [run for run in self.runs if run.termination is not None]
        if not begun:
            raise next(run.error for run in self.runs if run.error is not None) or LoopError("no attempt could begin")
        self.winner = self.winner or max(begun, key=self._merit)
        end = self._end(self.winner)
        recorder.say(
            RunEnded(
                reason=end.reason,
                message=end.message,
                usage=plain(self.nesting.ledger.usage),
                iterations=0,
                best=None,
                delivered=self.winner.values,
            )
        )
        return end

    def _take(self, run: Run) -> None:
        """An attempt has ended; the first verified one wins, unless a score decides."""
        if self.winner is None and run.accepted and not self.recipe.scores:
            self.winner = run
            for other in self.runs:
                if other is not run:
                    other.stop()

    def _merit(self, run: Run) -> tuple[bool, float, float]:
        state = run.cycle.state
        progress, score = state.best_key
        return run.accepted, score if run.accepted else progress, progress

    def _end(self, winner: Run) -> Termination:
        end = winner.termination
        assert end is not None
        number = 1 + [*self.runs].index(winner)
        message = f"attempt {number} of {len(self.runs)} ({winner.cycle.model.name}): {end.message}"
        return Termination(end.reason, message)

    def _share(self, learned: dict[int, int]) -> None:
        """Tell each attempt what has failed in the others since the last look."""
        for number, run in enumerate(self.runs):
            rounds = len(run.cycle.state.rounds)
            last = run.cycle.state.last
            if rounds > learned[number] and last is not None and last.failed and last.why:
                for other in self.runs:
                    if other is not run and not other.future.done():
                        other.hint(f"Another attempt at this failed: {last.why[:_SHARED]}")
            learned[number] = rounds


async def _ended(run: Run) -> None:
    """Wait for the end of a run, whatever it is."""
    await asyncio.wait({asyncio.wrap_future(run.future)})
