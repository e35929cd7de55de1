"""A run's state, folded from its events: what a resumed run goes on with, and a fork starts from.

Pure: the same events give the same state, and the state is the one that the run itself had. Two rounds are left
open on purpose: one that was cut short, because its answer may be paid for and its code not yet tried, and one that
was verified, because its values were in a child that is gone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from jupyter_loops.core.budget import Usage
from jupyter_loops.core.candidate import Candidate, CandidateKind
from jupyter_loops.core.events import (
    CallFinished,
    CallStarted,
    CandidateExecuted,
    CandidateProposed,
    ChecksEvaluated,
    IterationFinished,
    QuestionAnswered,
    Record,
    RunEnded,
    RunResumed,
    RunSteered,
    StateChanged,
    ToolCallFinished,
    ToolCallStarted,
)
from jupyter_loops.core.ports import Verifier
from jupyter_loops.core.recipe import Recipe
from jupyter_loops.core.state import UNBILLED, State

from .call_account import CANCELLED, LOST
from .run_state import Iteration, RunState, turned

MOMENTARY = frozenset(  # of the moment: what was meant is over with the kernel
    {"pause", "resume", "step", "stop", "approve", "reject"}
)


@dataclass(slots=True, kw_only=True)
class RestoredState:
    """What a run needs to go on, restored from its events."""

    run_state: RunState = field(default_factory=RunState)
    unfinished: Iteration | None = None  # the round that was not finished
    answers: list[tuple[CallStarted, CallFinished]] = field(default_factory=list)  # of that round: paid for
    results: list[tuple[ToolCallStarted, ToolCallFinished]] = field(
        default_factory=list
    )  # of that round: not called again
    host_answers: list[QuestionAnswered] = field(default_factory=list)  # by judges and people, in all rounds
    lost: list[CallStarted] = field(default_factory=list)  # in flight when the kernel died
    steers: list[RunSteered] = field(default_factory=list)  # hints, limits: what still holds
    usage: Usage = field(default_factory=Usage)
    calls: int = 0  # number of the last call
    tool_calls: int = 0  # number of the last one
    answered: int = 0  # calls that came to an end by themselves
    seq: int = 0  # number of the last event
    state: State = State.PREPARE
    ended: RunEnded | None = None

    @property
    def iteration(self) -> int:
        """The round that comes next, or goes on."""
        return len(self.run_state.rounds) + 1

    def forked(self) -> RestoredState:
        """What a fork starts from: its own calls, events and money count from nothing, its rounds go on."""
        return RestoredState(
            run_state=self.run_state,
            steers=[steer for steer in self.steers if steer.action == "hint"],
            usage=Usage(iterations=len(self.run_state.rounds)),
            answered=self.answered,
        )


def fold(
    records: Iterable[Record],
    recipe: Recipe,
    verifier: Verifier,
    *,
    start: RestoredState | None = None,
    upto: int | None = None,
) -> RestoredState:
    """The state after these events of one run; `start` is what a fork began with, `upto` the last round to take in."""
    folding = _EventReplay(recipe, verifier, start or RestoredState())
    for record in records if upto is None else _records_until(list(records), upto):
        folding.take(record)
    return folding.restored


def _records_until(records: list[Record], iteration: int) -> list[Record]:
    """The records until a round was decided; a round that was cut short and resumed is decided twice."""
    events = [record.event for record in records]
    ends = [
        n for n, event in enumerate(events, 1) if isinstance(event, IterationFinished) and event.iteration <= iteration
    ]
    return records[: ends[-1]] if ends else []


class _EventReplay:
    """One event after another."""

    def __init__(self, recipe: Recipe, verifier: Verifier, restored: RestoredState) -> None:
        self.restored = restored
        self._recipe, self._verifier = recipe, verifier
        self._last_at: datetime | None = None
        self._clock_paused = False  # the clock stands still
        self._flying: dict[int, CallStarted] = {}
        self._called: dict[int, ToolCallStarted] = {}
        self._takes = {
            StateChanged: self._state_changed,
            RunResumed: self._run_resumed,
            CallStarted: self._call_started,
            CallFinished: self._call_finished,
            ToolCallStarted: self._tool_call_started,
            ToolCallFinished: self._tool_call_finished,
            CandidateProposed: self._candidate_proposed,
            CandidateExecuted: self._candidate_executed,
            QuestionAnswered: self.restored.host_answers.append,
            ChecksEvaluated: self._checks_evaluated,
            IterationFinished: self._iteration_finished,
            RunSteered: self._run_steered,
            RunEnded: self._run_ended,
        }

    def take(self, record: Record) -> None:
        event = record.event
        if not (self._last_at is None or self._clock_paused or isinstance(event, RunResumed)):
            passed = (record.at - self._last_at).total_seconds()
            self.restored.usage = replace(self.restored.usage, seconds=self.restored.usage.seconds + max(passed, 0.0))
        self._last_at, self.restored.seq = record.at, record.seq
        take = self._takes.get(type(event))
        if take is not None and getattr(event, "iteration", None) != 0:  # 0: a stored candidate, tried and forgotten
            take(event)  # type: ignore[operator]  # each takes its own kind
        elif isinstance(event, StateChanged):
            self.restored.state = State(event.to)

    def _state_changed(self, event: StateChanged) -> None:
        self.restored.state = State(event.to)
        self._clock_paused = event.to == State.WAIT and event.note in UNBILLED
        if event.to == State.PLAN:
            self._current(event.iteration)

    def _run_resumed(self, _event: RunResumed) -> None:
        self._clock_paused, self.restored.ended, self.restored.state = False, None, State.PREPARE

    def _call_started(self, event: CallStarted) -> None:
        self._current(event.iteration)
        self._flying[event.call] = event
        self.restored.calls, self.restored.lost = event.call, list(self._flying.values())

    def _call_finished(self, event: CallFinished) -> None:
        call = self._flying.pop(event.call, None)
        self.restored.lost = list(self._flying.values())
        used = Usage(usd=event.usd or 0.0, tokens=event.prompt_tokens + event.completion_tokens, calls=1)
        self.restored.usage = self.restored.usage + used
        self.restored.answered += event.error not in {CANCELLED, LOST}
        if call is not None and call.purpose != "judge" and not event.error:
            self.restored.answers.append((call, event))

    def _tool_call_started(self, event: ToolCallStarted) -> None:
        self._current(event.iteration)
        self._called[event.number] = event
        self.restored.tool_calls = event.number

    def _tool_call_finished(self, event: ToolCallFinished) -> None:
        if event.kept and event.error != CANCELLED:
            self.restored.results.append((self._called[event.number], event))

    def _candidate_proposed(self, event: CandidateProposed) -> None:
        iteration = self._current(event.iteration)
        iteration.candidate = Candidate(kind=CandidateKind(event.candidate_kind), text=event.text)
        iteration.digest, iteration.observation, iteration.verdicts = event.digest, None, []

    def _candidate_executed(self, event: CandidateExecuted) -> None:
        self._current(event.iteration).observation = event.observation

    def _checks_evaluated(self, event: ChecksEvaluated) -> None:
        self._current(event.iteration).verdicts = event.verdicts

    def _iteration_finished(self, event: IterationFinished) -> None:
        iteration, restored = self._current(event.iteration), self.restored
        cut = restored.state is not State.DECIDE
        if cut or (iteration.verified(self._recipe) and not self._recipe.scores):
            return
        iteration.why = event.why
        unread = iteration.candidate is None and bool(restored.answers)
        iteration.feedback = (
            (iteration.why,) if unread else self._verifier.feedback(iteration.verdicts, iteration.observation)
        )
        score = turned(self._recipe, iteration.score(self._recipe))
        restored.run_state.add(iteration, event.progress, score)
        restored.usage = restored.usage + Usage(iterations=1)
        restored.unfinished, restored.answers, restored.results = None, [], []

    def _run_steered(self, event: RunSteered) -> None:
        if event.action not in MOMENTARY:
            self.restored.steers.append(event)

    def _run_ended(self, event: RunEnded) -> None:
        usage = event.usage
        self.restored.ended = event
        self.restored.usage = replace(self.restored.usage, seconds=usage.get("seconds", self.restored.usage.seconds))

    def _current(self, iteration: int) -> Iteration:
        """The round under way."""
        if self.restored.unfinished is None or self.restored.unfinished.number != iteration:
            self.restored.unfinished = Iteration(number=iteration, before=self.restored.usage)
            self.restored.answers, self.restored.results = [], []
        return self.restored.unfinished
