"""The state machine, as data."""

from __future__ import annotations

import time
from collections.abc import Callable

from jupyter_loops.core.events import StateChanged
from jupyter_loops.core.state import State
from jupyter_loops.errors import TransitionError

TRANSITIONS: dict[State, frozenset[State]] = {
    # EXECUTE straight away: a stored candidate is verified again, and no model is asked.
    State.PREPARE: frozenset({State.PLAN, State.EXECUTE, State.WAIT, State.END}),
    # VERIFY straight away: the candidate is not worth running. DECIDE: there is no candidate.
    # PLAN once more: a tool is called.
    State.PLAN: frozenset({State.PLAN, State.EXECUTE, State.VERIFY, State.DECIDE, State.WAIT, State.END}),
    # EXECUTE once more, from wherever the child process broke.
    State.EXECUTE: frozenset({State.EXECUTE, State.OBSERVE, State.WAIT, State.END}),
    State.OBSERVE: frozenset({State.EXECUTE, State.VERIFY, State.WAIT, State.END}),
    State.VERIFY: frozenset({State.EXECUTE, State.DECIDE, State.WAIT, State.END}),
    State.DECIDE: frozenset({State.PLAN, State.WAIT, State.END}),
    State.WAIT: frozenset(State) - {State.WAIT},  # only back to where it came from, or to the end
    State.END: frozenset(),
}


class StateMachine:
    """The state of one run, and how long each state of the current round has taken."""

    def __init__(self, say: Callable[[StateChanged], None]) -> None:
        self.state = State.PREPARE
        self.phases: list[tuple[State, float]] = []  # seconds; of the current round
        self._say = say
        self._since = time.monotonic()
        self.origin = State.PREPARE  # where WAIT goes back to

    def move(self, to: State, iteration: int, note: str = "") -> None:
        """Take a step; it is in the journal before anything acts on it. Raises TransitionError."""
        self._say(self.step(to, iteration, note))

    def step(self, to: State, iteration: int, note: str = "") -> StateChanged:
        """Take a step, which the caller puts on record. Raises TransitionError."""
        if not self._legal(to):
            raise TransitionError(f"{self.state} → {to}")
        now = time.monotonic()
        if self.state is not State.PREPARE:
            self.phases.append((self.state, now - self._since))
        if to is State.WAIT:
            self.origin = self.state
        self._since, source, self.state = now, self.state, to
        return StateChanged(iteration=iteration, source=source.value, to=to.value, note=note)

    @property
    def idle(self) -> float:
        """Seconds since the last step."""
        return time.monotonic() - self._since

    def new_round(self) -> None:
        """Forget the timings of the round before."""
        self.phases = []

    def _legal(self, to: State) -> bool:
        if self.state is State.WAIT:
            return to in {self.origin, State.END}
        return to in TRANSITIONS[self.state]
