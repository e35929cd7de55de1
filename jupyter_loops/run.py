"""The handle of one run: what a notebook holds while it goes on, and afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from collections.abc import Callable, Generator, Mapping, MutableMapping
from concurrent.futures import CancelledError, Future
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_loops.continuation import StoredRun
from jupyter_loops.core.budget import Budget, Usage
from jupyter_loops.core.candidate import Candidate
from jupyter_loops.core.forecast import Forecast
from jupyter_loops.core.host_question import Approval
from jupyter_loops.core.policy import HubPolicy
from jupyter_loops.core.recipe import Recipe
from jupyter_loops.core.state import State
from jupyter_loops.core.termination import StopReason, Termination, WithTermination
from jupyter_loops.delivery import Change, Delivered, RecheckOutcome, deliver, recheck
from jupyter_loops.engine import background
from jupyter_loops.engine.cycle import Cycle
from jupyter_loops.errors import HistoryError, LoopError, NotVerified
from jupyter_loops.view.notebook_place import NotebookPlace

if TYPE_CHECKING:
    from jupyter_loops.execution.sandbox_service import SandboxService
    from jupyter_loops.history import History
    from jupyter_loops.history.recorded_prompt import RecordedPrompt
    from jupyter_loops.view.charts import Charts
    from jupyter_loops.view.live_view import LiveView


class Artifact(NamedTuple):
    """A file that a candidate wrote, kept beside the history. Untrusted: read it, do not run it."""

    iteration: int
    name: str  # in the candidate's folder
    bytes: int
    path: Path


@dataclass(slots=True, kw_only=True, repr=False, eq=False)
class Run(WithTermination):
    """One pursuit of a recipe, from start to Termination. Methods may be called from any thread."""

    id: str
    recipe: Recipe
    history: History
    cycle: Cycle
    future: Future[Termination]
    pursue: Callable[..., Run]  # (continuation, names, **options): how a run is started from a stored one
    serve: Callable[[Candidate], SandboxService] | None = (
        None  # where its functions live; None: they are bound as they are
    )
    parent: str | None = None  # id of the run that it comes from or is part of
    relation: str = ""  # to the parent: fork, replay, nested
    place: NotebookPlace = field(default_factory=NotebookPlace)  # of the cell that started it
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    delivered: Delivered | None = field(init=False, default=None)

    @property
    def name(self) -> str:
        """The loop's name, as on the first line of its cell."""
        return self.recipe.name

    @property
    def state(self) -> State:
        """The state of its cycle."""
        return self.cycle.context.machine.state

    @property
    def accepted(self) -> bool:
        """Whether it has a candidate that may be used."""
        return self.cycle.delivery is not None

    @property
    def best(self) -> Candidate | None:
        """The best candidate so far."""
        return self.cycle.state.best.candidate if self.cycle.state.best else None

    @property
    def source(self) -> str:
        """The best candidate's text: Python, or JSON of the targets."""
        return self.best.text if self.best else ""

    @property
    def values(self) -> dict[str, Any]:
        """JSON values of the data and text targets, when accepted."""
        return dict(self.cycle.delivery.values) if self.cycle.delivery else {}

    @property
    def usage(self) -> Usage:
        """What it has spent so far."""
        return self.cycle.context.ledger.usage

    @property
    def budget(self) -> Budget:
        """What it may spend."""
        return self.cycle.context.ledger.budget

    @property
    def forecast(self) -> Forecast | None:
        """How likely it verifies within its limits, and at what cost, as of the last round. None without asserts."""
        return self.cycle.log.forecaster.latest

    @property
    def chart(self) -> Charts:
        """Plotly figures of this run: `run.chart.cost()`, `.checks()` …; `%loops help charts` has all."""
        from jupyter_loops.view.charts import Charts

        return Charts.of_run(self.history, self.id, self.name)

    @property
    def artifacts(self) -> list[Artifact]:
        """The files that its candidates wrote and that were kept (`--keep-files`), by round."""
        rows = self.history.sql(
            "SELECT iteration, name, bytes, kept FROM artifacts WHERE run_id = $run", {"run": self.id}
        )
        folder = self.history.artifacts(self.id)
        return [Artifact(iteration, name, size, folder / place) for iteration, name, size, place in rows.fetchall()]

    @property
    def prompts(self) -> list[RecordedPrompt]:
        """What its models were asked so far, call by call, with the tokens of each part; `print` shows one."""
        return self.history.prompts(self.id)

    def traceback(self) -> str:
        """The whole traceback of `error`, for a bug report."""
        return "".join(traceback.format_exception(self.error)) if self.error else ""

    # ---- waiting

    def __await__(self) -> Generator[Any, None, Termination]:
        """Wait on any event loop. A cancelled waiter leaves the run going on; LoopError where it could not begin."""
        return self._ended().__await__()

    def wait(self, timeout: float | None = None) -> Termination:
        """Block until it ends. Raises TimeoutError after `timeout` seconds, LoopError where it could not begin."""
        if background.is_here():
            raise LoopError("waiting here would hold up every run: await it instead")
        try:
            return self.future.result(timeout)
        except CancelledError:
            raise self.never_began() from None

    async def _ended(self) -> Termination:
        try:
            return await asyncio.shield(asyncio.wrap_future(self.future))
        except asyncio.CancelledError:
            if self.future.cancelled():
                raise self.never_began() from None
            raise

    def never_began(self) -> LoopError:
        """The error for a run that was stopped before it began."""
        return LoopError(f"{self.name} was stopped before it began")

    def check(self) -> None:
        """Raise NotVerified, with one line that says why, unless a candidate is accepted."""
        if self.termination is not None and not self.accepted:
            end = self.termination
            raise NotVerified(f"{self.name} is not verified: {end.reason}, {end.message}")

    # ---- steering

    def pause(self) -> None:
        """Wait before the next phase; the time does not count."""
        self.cycle.context.control.pause()

    def resume(self) -> None:
        """Go on."""
        self.cycle.context.control.resume()

    def step(self) -> None:
        """Go on to the end of one round, then pause."""
        self.cycle.context.control.step()

    def stop(self, reason: StopReason = StopReason.STOPPED) -> None:
        """End now; the best candidate so far is kept."""
        self.cycle.context.control.stop(reason)

    def finish(self) -> None:
        """End after the round that goes on; the best candidate so far is kept."""
        self.cycle.context.control.finish()

    def hint(self, text: str) -> None:
        """Tell the model something from the next round on."""
        self.cycle.context.control.hint(text)

    @property
    def waiting(self) -> Approval | None:
        """The value that waits for a person's word, or None."""
        return self.cycle.context.control.waiting

    def approve(self, comment: str = "", number: int | None = None) -> None:
        """Accept the value that waits. Raises LoopError where none waits, or another one than `number`."""
        self.cycle.context.control.approve(comment, number)

    def reject(self, comment: str = "", number: int | None = None) -> None:
        """Refuse the value that waits; the comment is feedback for the next round. Raises LoopError as `approve`."""
        self.cycle.context.control.reject(comment, number)

    def raise_budget(self, **limits: float | None) -> None:
        """Set new limits: usd, tokens, seconds, iterations, calls. None takes a limit away. Raises LoopError."""
        current = asdict(self.budget)
        for name, value in limits.items():
            if name not in current:
                raise LoopError(f"no limit is called {name!r}; there are {', '.join(current)}")
            if value is not None and not value > 0:
                raise LoopError(f"{name} must be more than 0, got {value!r}")
        if "usd" in limits:
            HubPolicy.here().check_dollars("--usd", limits["usd"])
        self.cycle.context.control.budget(limits)

    def set(self, *, model: str | None = None, **changes: float | None) -> None:
        """Change how the model is asked, and any limit: the next safe point takes it up, as an event.

        `model` by its name; `temperature` (0 to 2) and `max_tokens` of an answer, where None means as planned; and
        the limits of `raise_budget`, up or down. Raises LoopError.
        """
        if self.future.done():
            raise LoopError(f"{self.name} has ended already")
        wishes: dict[str, Any] = {name: changes.pop(name) for name in ("temperature", "max_tokens") if name in changes}
        if not (wishes or changes or model):
            raise LoopError("say what to set: model, temperature, max_tokens, or a limit")
        _check_sampling(wishes)
        find = self.cycle.tuning.find
        if model is not None and find is not None:
            find(model)  # a name that cannot be is refused here, and not in the middle of the run
            wishes["model"] = model
        if changes:
            self.raise_budget(**changes)
        if wishes:
            self.cycle.context.control.set(wishes)

    def fork(
        self, at: int | None = None, *, hint: str = "", names: Mapping[str, object] | None = None, **options: Any
    ) -> Run:
        """Start a new run from the end of round `at`, the last by default, with its own money and time.

        `options` are those of the %%loop line where they differ. `names` are the notebook's as they are now; the
        ones that this run had, by default. Raises PreflightError.
        """
        continuation = StoredRun.find(self.history, self.cycle.verifier, self.id).forked(at, hint)
        return self.pursue(continuation, names or self.cycle.world.reach, **options)

    # ---- what it leaves behind

    def bind(self, namespace: MutableMapping[str, Any]) -> None:
        """Put the accepted targets into `namespace`. Raises NotVerified when there are none, and DeliveryError."""
        self.check()
        if self.best is not None and self.cycle.delivery is not None:
            service = None if self.serve is None else self.serve(self.best)
            self.delivered = deliver(self.recipe, self.best, self.cycle.delivery, namespace, service)

    def verify_delivery(self, namespace: Mapping[str, Any]) -> list[RecheckOutcome]:
        """Run the cell's checks on what `namespace` has now; one outcome a check. Raises DeliveryError."""
        return recheck(self.recipe, namespace, self.delivered.module if self.delivered else None)

    @property
    def diff(self) -> list[Change]:
        """What it changed in the notebook."""
        return list(self.delivered.changes) if self.delivered else []

    def undo(self) -> list[Change]:
        """Take back what it bound in the notebook; what was taken back. A name bound anew since stays as it is."""
        return self.delivered.undo() if self.delivered else []

    @property
    def view(self) -> LiveView:
        """The live view of a run that goes on: that of its cell, or a new one that is not on any screen yet."""
        from jupyter_loops.view import live_view

        found = live_view.find(self.id)
        if found is None:
            found = live_view.LiveView(self, name=self.name)
            found.expect(self.facts)
            self.cycle.context.recorder.listeners.append(found)  # what it hears meanwhile, it draws once
            with contextlib.suppress(HistoryError):  # it has no events yet
                found.catch_up(self.history.story(self.id))
            self.future.add_done_callback(lambda _: found.close(0.0))
        return found

    @property
    def facts(self) -> dict[str, Any]:
        """What is known of it before its first event, in the words of `core.events.RunStarted`."""
        return {
            "run": self.id,
            "loop": self.name,
            "goal": self.recipe.goal,
            "model": self.cycle.model.name,
            "budget": asdict(self.budget),
            "checks": [{"name": check.name, "hidden": check.hidden} for check in self.recipe.checks],
        }

    def show(self) -> None:
        """Display the run once more: live with its controls while it goes on, else as it is stored."""
        if self.future.done():
            show(self.history, self.id)
        else:
            self.view.show()

    def __repr__(self) -> str:
        """One line, without payloads."""
        end = self.termination
        never = "stopped before it began" if self.future.cancelled() else ""
        how = f"{end.reason}: {end.message}" if end else never or str(self.error or self.state)
        return f"<Run {self.name} {self.id} · {how}>"


def _check_sampling(changes: Mapping[str, float | None]) -> None:
    temperature, most = changes.get("temperature"), changes.get("max_tokens")
    if temperature is not None and not 0 <= temperature <= 2:  # noqa: PLR2004  # the providers' range
        raise LoopError(f"temperature must lie between 0 and 2, got {temperature!r}")
    if most is not None and not (isinstance(most, int) and most > 0):
        raise LoopError(f"max_tokens must be a whole number above 0, got {most!r}")


def show(history: History, run_id: str) -> None:
    """Display a stored run. Raises HistoryError where there is none."""
    from IPython import display

    from jupyter_loops.view.saved_output import bundle
    from jupyter_loops.view.snapshot import Snapshot

    put: Any = display.display  # untyped
    put(bundle(Snapshot.of(history.story(run_id))), raw=True)
