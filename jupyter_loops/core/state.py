"""The states of a run."""

from __future__ import annotations

from enum import StrEnum

PAUSED, APPROVAL, NEAR_LIMIT = "paused", "approval", "near a limit"  # notes of a WAIT for a person
OTHERS = "other runs have the machine"
UNBILLED = frozenset({PAUSED, APPROVAL, NEAR_LIMIT, OTHERS})  # a WAIT of this kind takes none of the run's time


class State(StrEnum):
    """Where a run is in its cycle. The legal moves between them are in engine/state_machine.py."""

    PREPARE = "prepare"
    PLAN = "plan"
    EXECUTE = "execute"
    OBSERVE = "observe"
    VERIFY = "verify"
    DECIDE = "decide"
    WAIT = "wait"
    END = "end"
