"""What a run is doing, and what a person's command waits for, in words."""

from __future__ import annotations

from typing import Protocol

from jupyter_loops.core.state import NEAR_LIMIT, PAUSED

from .clip import line

_DOING = {
    "prepare": "preparing",
    "plan": "asking the model",
    "execute": "running the candidate",
    "observe": "reading what it did",
    "verify": "running the checks",
    "decide": "deciding",
    "wait": "waiting",
    "end": "ending",
}
_UNTIL = {
    "prepare": "once the run has begun",
    "plan": "when the model has answered",
    "execute": "when the candidate has run",
    "observe": "when the candidate has run",
    "verify": "when the checks have run",
    "decide": "after this round",
    "wait": "when the wait is over",
}


class Situation(Protocol):
    """The facts of a run that its words depend on."""

    state: str  # of the state machine
    note: str  # why it waits

    @property
    def step(self) -> str:
        """What takes long before the first round."""
        ...

    @property
    def tool(self) -> str:
        """The tool that is being called, or nothing."""
        ...

    @property
    def question(self) -> str:
        """What the run asks a person near a limit."""
        ...

    @property
    def approving(self) -> bool:
        """Whether a value waits for a person."""
        ...

    @property
    def paused(self) -> bool:
        """Whether a person holds the run, or has asked to."""
        ...


def doing(run: Situation) -> str:
    """What goes on right now, such as `running the tool search`."""
    if run.state == "wait":
        if run.approving:
            return "waiting for a person's approval"
        if run.note == NEAR_LIMIT:
            return run.question
        return "paused" if run.note == PAUSED else f"waiting: {line(run.note, 80)}" if run.note else "waiting"
    if run.tool:
        return f"running the tool {run.tool}"
    return (run.state == "prepare" and run.step) or _DOING.get(run.state, "working")


def effect(command: str, run: Situation) -> str:
    """What a command that was accepted will do, and when."""
    held = run.state == "wait" and run.note in {PAUSED, NEAR_LIMIT}
    until = _until(run)
    effects = {
        "pause": "is paused" if held else f"pauses {until}",
        "resume": "goes on",
        "step": "one round, then it pauses",
        "stop": "stops; the best candidate stays",
        "finish": f"ends {until}, with the best candidate so far",
        "hint": "the model gets the hint with its next prompt",
        "set": "counts from the next round on",
        "raise_budget": "the limits change now" if held else f"the limits change {until}",
    }
    return effects.get(command, "")


def _until(run: Situation) -> str:
    if run.state == "wait" and run.approving:
        return "after the approval"
    if run.tool:
        return f"when the tool {run.tool} has returned"
    return _UNTIL.get(run.state, "before the next phase")
