"""Steps for a run without progress: tell the model, start with a fresh context, raise the temperature, stop.

It says how stuck a run is. What that means for a question is decided in request_tuning.py, with everything else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum

from jupyter_loops.core.events import RequestAdapted
from jupyter_loops.core.ports import Detector, IterationSummary, StuckFinding
from jupyter_loops.core.termination import Termination

from .event_recorder import EventRecorder


class NudgeRung(IntEnum):
    """The steps, from the mildest."""

    NONE = 0
    TELL = 1  # the model is told what was noticed
    FRESH = 2  # a fresh context, without the line that failed
    BOLDER = 3  # a higher temperature
    STOP = 4


@dataclass(slots=True)
class NudgeLadder:
    """The rung of one run. A better round resets it to NONE."""

    detector: Detector
    recorder: EventRecorder
    rung: NudgeRung = NudgeRung.NONE
    reason: str = ""
    _afresh: bool = field(default=False)  # this step's fresh start has happened

    def restore(self, rounds: Iterable[IterationSummary]) -> None:
        """Replay the rounds of a resumed run, without events."""
        best = (-1.0, float("-inf"))
        for summary in rounds:
            key = (summary.progress, float("-inf") if summary.score is None else summary.score)
            self._take(summary, better=bool(summary.digest) and key > best)
            best = max(best, key)

    def take(self, summary: IterationSummary, *, better: bool) -> Termination | None:
        """Add a round; the end where the last rung is reached. Every step up is an event, with its reason."""
        before, finding = self.rung, self._take(summary, better=better)
        if finding is None or self.rung <= before:
            return None
        self.recorder.say(
            RequestAdapted(
                iteration=summary.iteration,
                what="ladder",
                before=before.name.lower(),
                after=self.rung.name.lower(),
                reason=f"{finding.reason}: {finding.message}",
            )
        )
        if self.rung is NudgeRung.STOP:
            return Termination(finding.reason, f"{finding.message}; try a hint, or another model")
        return None

    def _take(self, summary: IterationSummary, *, better: bool) -> StuckFinding | None:
        finding = self.detector.take(summary)
        if better:
            self.rung, self.reason = NudgeRung.NONE, ""
        elif finding is not None and finding.rung > self.rung:
            self.rung, self.reason, self._afresh = NudgeRung(finding.rung), finding.message, False
        return finding

    @property
    def bolder(self) -> bool:
        """Whether the model is to be asked with a higher temperature."""
        return self.rung >= NudgeRung.BOLDER

    def starts_afresh(self) -> bool:
        """Whether the coming round does; once for each step."""
        if self.rung < NudgeRung.FRESH or self._afresh:
            return False
        self._afresh = True
        return True
