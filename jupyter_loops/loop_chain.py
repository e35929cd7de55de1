"""Loops one after the other: the targets of one are names of the next, on one ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from jupyter_loops._version import __version__
from jupyter_loops.assemble import Options, launch
from jupyter_loops.assemble.launch import new_id
from jupyter_loops.assemble.notebook_budget import within_notebook
from jupyter_loops.core.budget import Usage
from jupyter_loops.core.events import RunEnded, RunStarted
from jupyter_loops.core.plain import plain
from jupyter_loops.core.recipe import Recipe
from jupyter_loops.core.termination import StopReason, Termination
from jupyter_loops.engine import background
from jupyter_loops.engine.account import ignore_spending
from jupyter_loops.engine.control import Control
from jupyter_loops.engine.event_recorder import EventRecorder
from jupyter_loops.engine.ledger import Ledger
from jupyter_loops.engine.run_nesting import CURRENT, RunNesting
from jupyter_loops.history import open_history
from jupyter_loops.run import Run

Starter = Callable[..., Run]  # (recipe, options, names, parent=nesting)


@dataclass(frozen=True, slots=True)
class LoopChain:
    """Loops that run in order. Made by `Loop.then`."""

    loops: tuple[Recipe, ...]

    def then(self, following: Recipe) -> LoopChain:
        """The chain with one more loop at its end."""
        return LoopChain((*self.loops, following))

    def run(self, names: Mapping[str, object] | None = None, **options: Any) -> ChainRun:
        """Start the first loop and return at once; a loop starts when the one before is accepted.

        `options` are those of `Loop.run`; limits hold for all loops together, rounds for each. Raises OptionError.
        """
        return ChainRun.start(self.loops, dict(names or {}), Options.of(options))


@dataclass(slots=True, kw_only=True, eq=False)
class ChainRun:
    """A chain at work. `runs` has one run for each loop that has started."""

    names: dict[str, object]  # what the next loop reads; the targets of those before are among them
    nesting: RunNesting
    recorder: EventRecorder
    runs: list[Run] = field(default_factory=list)
    future: Future[Termination] = field(init=False)
    _stopped: bool = field(init=False, default=False)

    @classmethod
    def start(
        cls, loops: tuple[Recipe, ...], names: dict[str, object], options: Options, starter: Starter = launch
    ) -> ChainRun:
        """Start the first loop."""
        history, name, run_id = open_history(options.history), " then ".join(loop.name for loop in loops), new_id()
        budget, parent = replace(options.budget, iterations=None), CURRENT.get()
        if parent is None:
            depth, ledger = 1, Ledger.within(within_notebook(history.day(options.daily_usd)), budget)
        else:
            depth = parent.deeper(name)
            ledger = parent.ledger.child(budget, ignore_spending, scope=f"the loop {parent.name} around it")
        nesting = RunNesting(run=run_id, name=name, ledger=ledger, control=Control(), depth=depth)
        if parent is not None:
            parent.take_in(nesting)
        recorder = EventRecorder(run_id, history.journal)
        recorder.say(_started(loops, options, nesting, history.journal.token))
        chain = cls(names=names, nesting=nesting, recorder=recorder)
        chain.future = background.submit(chain._follow(loops, options, starter))
        return chain

    async def _follow(self, loops: tuple[Recipe, ...], options: Options, starter: Starter) -> Termination:
        self.nesting.ledger.watch.restart()
        end = Termination(StopReason.ERROR, "no loop has run")
        try:
            for recipe in loops:
                run = await asyncio.to_thread(starter, recipe, options, dict(self.names), parent=self.nesting)
                self.runs.append(run)
                end = await run
                if not run.accepted or self._stopped:
                    end = Termination(end.reason, f"{run.name}: {end.message}")
                    break
                run.bind(self.names)
        finally:
            self.nesting.end()
            self.nesting.ledger.watch.stop()
            usage = plain(self.nesting.ledger.usage)
            self.recorder.say(RunEnded(reason=end.reason, message=end.message, usage=usage, iterations=0, best=None))
        return end

    @property
    def usage(self) -> Usage:
        """What all loops have spent."""
        return self.nesting.ledger.usage

    def stop(self) -> None:
        """End the loop at work; no other starts."""
        self._stopped = True
        for run in self.runs:
            run.stop()

    def wait(self, timeout: float | None = None) -> Termination:
        """Block until it ends: the end of the last loop, or of the first that was not accepted."""
        return self.future.result(timeout)

    def __await__(self) -> Generator[Any, None, Termination]:
        """Wait on any event loop."""
        return asyncio.shield(asyncio.wrap_future(self.future)).__await__()


def _started(loops: tuple[Recipe, ...], options: Options, nesting: RunNesting, token: str) -> RunStarted:
    return RunStarted(
        loop=nesting.name,
        goal=loops[-1].goal,
        source="",
        fingerprint="",
        model=options.chosen_model,
        isolation=options.sandbox,
        budget=asdict(nesting.ledger.budget),
        price=None,
        options=options.written,
        targets=[target.name for loop in loops for target in loop.targets],
        checks=[],
        version=__version__,
        journal=token,
    )
