"""The handle of a map: what a notebook holds while it goes on, and afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from jupyter_loops.core.budget import Budget, Usage
from jupyter_loops.core.host_question import Approval
from jupyter_loops.core.policy import HubPolicy
from jupyter_loops.core.recipe import Recipe
from jupyter_loops.core.state import State
from jupyter_loops.core.termination import StopReason, Termination, WithTermination
from jupyter_loops.engine import background
from jupyter_loops.errors import LoopError, NotVerified
from jupyter_loops.view.map_panel import MapFigures, ModelFigures
from jupyter_loops.view.notebook_place import NotebookPlace, notebook_place

from .map_cycle import MapCycle
from .map_progress import MapProgress
from .pilot import PilotProjection
from .row_outcome import RowOutcome
from .row_source import InputRow

if TYPE_CHECKING:
    from jupyter_loops.history import History


@dataclass(slots=True, kw_only=True, repr=False, eq=False)
class MapRun(WithTermination):
    """A loop over the rows of a table. Methods may be called from any thread."""

    id: str
    recipe: Recipe
    history: History
    map_cycle: MapCycle
    future: Future[Termination]
    model: str
    again: Callable[..., MapRun]  # (rows, **options): how rows are worked on once more
    place: NotebookPlace = field(default_factory=notebook_place)  # of the cell that started it
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def name(self) -> str:
        """The loop's name."""
        return self.recipe.name

    @property
    def state(self) -> State:
        """Preparing, at work, waiting for a person, or over."""
        if self.future.done():
            return State.END
        if self.map_cycle.nesting.control.paused or self.waiting is not None:
            return State.WAIT
        return State.EXECUTE if self.map_cycle.began else State.PREPARE

    @property
    def began(self) -> bool:
        """Whether it is on record."""
        return self.map_cycle.began

    @property
    def counts(self) -> tuple[int, int, int | None]:
        """Rows that are verified, that failed, and all that there are; None where that is not known."""
        return self.progress.verified, self.progress.failed, self.progress.total

    @property
    def progress(self) -> MapProgress:
        """Rows done, verified, failed; rate, time left, cost a row."""
        return self.map_cycle.progress

    @property
    def projection(self) -> PilotProjection | None:
        """What the pilot says of all other rows; None without a pilot."""
        return self.map_cycle.projection

    @property
    def rows(self) -> Any:
        """The results so far, in the rows' order: the key, the targets, state, rounds, cost, error, run id.

        A table of the kind that came in; of a list or a generator a list of rows.
        """
        return self._table(self.map_cycle.outcomes.in_order)

    @property
    def failed(self) -> Any:
        """The results that are not verified, as `rows`."""
        return self._table([outcome for outcome in self.map_cycle.outcomes.in_order if not outcome.verified])

    def _table(self, outcomes: Sequence[RowOutcome]) -> Any:
        return self.map_cycle.source.table(self.map_cycle.outcomes.columns(outcomes))

    def retry(self, **options: Any) -> MapRun:
        """Work once more on the rows that are not verified; `options` as of `Loop.map`, where they differ.

        Returns the new map at once. Its results come into `rows` of this one as well. Raises LoopError while it
        goes on, or where no row has failed.
        """
        if not self.future.done():
            raise LoopError(f"{self.name} goes on: stop it first, or wait for it")
        failed: list[InputRow] = self.map_cycle.outcomes.failed_rows
        if not failed:
            raise LoopError(f"every row of {self.name} is verified: there is nothing to retry")
        return self.again(failed, self.map_cycle.outcomes, self.map_cycle.source, **options)

    @property
    def usage(self) -> Usage:
        """What all rows have spent so far; `iterations` are their rounds."""
        usage = self.map_cycle.nesting.ledger.usage
        return Usage(**asdict(usage) | {"iterations": self.progress.rounds})

    @property
    def budget(self) -> Budget:
        """What all rows together may spend."""
        return self.map_cycle.nesting.ledger.budget

    def figures(self) -> MapFigures:
        """What a view draws of it now."""
        progress, budget, usage = self.progress, self.budget, self.usage
        cost, remaining = progress.usd, None if progress.total is None else progress.total - progress.done
        ahead = None if remaining is None or not cost.mean else usage.usd + remaining * cost.mean
        limits, end = self.map_cycle.limits, self.termination
        return MapFigures(
            name=self.name,
            run=self.id,
            state=str(end.reason if end is not None else self.state),
            total=progress.total,
            verified=progress.verified,
            failed=progress.failed,
            stored=progress.stored,
            running=progress.running,
            rate=progress.rate,
            seconds=usage.seconds,
            seconds_left=progress.time_left,
            usd=usage.usd,
            usd_cap=budget.usd,
            usd_projected=ahead,
            tokens=usage.tokens,
            tokens_cap=budget.tokens,
            in_flight=sum(limit.in_flight for limit in limits),
            level=max((int(limit.level) for limit in limits), default=0),
            projection=() if self.projection is None else tuple(self.projection.lines),
            asks=self.waiting is not None,
            models=tuple(
                ModelFigures(model=model, rows=share.rows, verified=share.verified, usd=share.usd)
                for model, share in list(progress.by_model.items())
            ),
            failures=tuple((str(outcome.key), outcome.error) for outcome in progress.failures),
            message="" if end is None else end.message,
        )

    def show(self) -> None:
        """Display the panel as it stands now."""
        from IPython import display

        figures, put = self.figures(), display.display
        put({"text/html": figures.html(), "text/plain": figures.text()}, raw=True)  # type: ignore[no-untyped-call]

    # ---- waiting

    def __await__(self) -> Generator[Any, None, Termination]:
        """Wait on any event loop. A cancelled waiter leaves the map going on."""
        return asyncio.shield(asyncio.wrap_future(self.future)).__await__()

    def wait(self, timeout: float | None = None) -> Termination:
        """Block until it ends. Raises TimeoutError after `timeout` seconds, LoopError where it could not begin."""
        if background.is_here():
            raise LoopError("waiting here would hold up every run: await it instead")
        try:
            return self.future.result(timeout)
        except CancelledError:
            raise LoopError(f"{self.name} was stopped before it began") from None

    def check(self) -> None:
        """Raise NotVerified, with one line that says why, unless every row is verified."""
        end = self.termination
        if end is not None and not end.verified:
            raise NotVerified(f"{self.name} is not verified: {end.reason}, {end.message}")

    # ---- steering

    def pause(self) -> None:
        """Start no more rows, and hold those at work before their next phase."""
        self._steer("pause")

    def resume(self) -> None:
        """Go on."""
        self._steer("resume")

    def _steer(self, action: str) -> None:
        getattr(self.map_cycle.nesting.control, action)()

        def steer_rows(action: str) -> None:
            for child in self.map_cycle.nesting.children:
                if not child.over:
                    getattr(child.control, action)()

        background.soon(steer_rows, action)

    def stop(self, reason: StopReason = StopReason.STOPPED) -> None:
        """End now; the rows that are done are kept, and `%loops resume` goes on with the others."""
        self.map_cycle.nesting.control.stop(reason)

    def step(self) -> None:
        """A map has no rounds of its own. Raises LoopError."""
        raise LoopError(f"{self.name} is a map: step through one of its rows alone")

    def hint(self, text: str) -> None:
        """Tell the model something in the next round of the rows at work."""
        for child in list(self.map_cycle.nesting.children):
            child.control.hint(text)

    @property
    def waiting(self) -> Approval | None:
        """The projection that waits for a person's word, or None."""
        return self.map_cycle.nesting.control.waiting

    def approve(self, comment: str = "", number: int | None = None) -> None:
        """Go on with all rows. Raises LoopError where nothing waits."""
        self.map_cycle.nesting.control.approve(comment, number)

    def reject(self, comment: str = "", number: int | None = None) -> None:
        """Stop after the pilot. Raises LoopError where nothing waits."""
        self.map_cycle.nesting.control.reject(comment, number)

    def raise_budget(self, **limits: float | None) -> None:
        """Set new limits of all rows together: usd, tokens, seconds, calls. Raises LoopError."""
        for name, value in limits.items():
            if name not in asdict(self.budget) or name == "iterations":
                raise LoopError(f"no limit of a map is called {name!r}; there are usd, tokens, seconds and calls")
            if value is not None and not value > 0:
                raise LoopError(f"{name} must be more than 0, got {value!r}")
        if "usd" in limits:
            HubPolicy.here().check_dollars("--usd", limits["usd"])
        self.map_cycle.nesting.ledger.amend(**limits)

    def __repr__(self) -> str:
        """One line."""
        end, progress = self.termination, self.progress
        how = f"{end.reason}: {end.message}" if end else str(self.error or f"{progress.done:,} rows done")
        return f"<MapRun {self.name} {self.id} · {how}>"
