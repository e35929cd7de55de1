"""A run folded from its events into plain JSON, live or from the history alike.

Events come as JSON (`core.events.Record.to_json`), so the same code draws a run that is going on, a run of last
year, and a run of another process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from jupyter_loops.core.amount import counted
from jupyter_loops.core.caveats import with_caveat
from jupyter_loops.core.redaction import redact
from jupyter_loops.core.state import NEAR_LIMIT, PAUSED, UNBILLED

from .activity import doing
from .amounts import brief
from .check_list import Checks
from .clip import LIMIT, clip, line
from .clock import Clock
from .forecast_view import ForecastView
from .iteration_view import IterationView
from .series import Series
from .spending import Spending
from .steered import steered

VERSION = 1
ROUNDS = 200  # newest kept
DRAWN = 3  # newest that keep their figures; the best round always does
_LEVEL = 160  # characters of the level of isolation, with what it does not hold
SAVED = 8  # newest that keep their texts in a notebook
DETAILED = 20  # newest that keep their texts in full; the best round always does
NOTICED = 1.0  # seconds of a start-up that are worth a word
ACTIVITY = {
    "prepare": "preparing",
    "plan": "planning",
    "execute": "executing",
    "observe": "observing",
    "verify": "verifying",
    "decide": "deciding",
    "wait": "waiting",
    "end": "ending",
}


class Snapshot:
    """Everything that a view shows of one run. One thread feeds it and reads it."""

    def __init__(self, name: str = "") -> None:
        self.rev = 0  # grows with every change of a round
        self.iteration = 0
        self.state, self.note = "prepare", ""
        self.step = ""  # what takes long before the first round
        self.termination: dict[str, Any] | None = None
        self.best: IterationView | None = None
        self._facts: dict[str, Any] = {
            "run": "",
            "name": line(name, 80),
            "goal": "",
            "model": "",
            "isolation": "",
            "tools": [],
        }
        self._rounds: dict[int, IterationView] = {}
        self._notes: list[str] = []
        self._startup = ""
        self._forecast = ForecastView()
        self._breakers: dict[tuple[str, str], dict[str, Any]] = {}  # not closed, as this run knows
        self._stream = ""
        self._approval: dict[str, Any] | None = None  # what waits for a person
        self._pausing = False  # asked for, and holds until resumed
        self._series, self._spending, self._clock, self._checks = Series(), Spending(), Clock(), Checks()
        self._verdicts: list[Mapping[str, Any]] = []  # of the best round
        self._last_verdicts: list[Mapping[str, Any]] = []  # of the last one
        self._kinds: dict[str, Callable[[Mapping[str, Any]], None]] = {
            "run_started": self._run_started,
            "run_resumed": self._run_resumed,
            "state_changed": self._state_changed,
            "call_started": self._call_started,
            "call_finished": self._call_finished,
            "tool_call_started": self._tool_call_started,
            "tool_call_finished": self._tool_call_finished,
            "candidate_proposed": self._candidate_proposed,
            "candidate_executed": self._candidate_executed,
            "checks_evaluated": self._checks_evaluated,
            "approval_requested": self._approval_requested,
            "question_answered": self._question_answered,
            "iteration_finished": self._iteration_finished,
            "request_adapted": self._request_adapted,
            "breaker_changed": self._breaker_changed,
            "run_steered": self._run_steered,
            "note_added": self._note_added,
            "run_ended": self._run_ended,
        }

    @classmethod
    def of(cls, records: Iterable[Mapping[str, Any]]) -> Snapshot:
        """Fold a whole run."""
        snapshot = cls()
        for record in records:
            snapshot.feed(record)
        return snapshot

    def feed(self, record: Mapping[str, Any]) -> None:
        """Fold one event; a kind that this version does not know changes nothing."""
        fold = self._kinds.get(record.get("kind", ""))
        if fold is not None:
            self._clock.saw(record.get("at"))
            fold(record)

    def expect(self, facts: Mapping[str, Any]) -> None:
        """Take over what is known before the first event, in the words of `RunStarted`; a later event wins."""
        if not self._facts["run"]:
            self._run_started({"price": {}} | dict(facts))

    def preparing(self, step: str) -> None:
        """A step of the preparation begins; an empty one ends it."""
        self.step = line(step, 80)

    def closed(self) -> None:
        """The run is over, whether an event said so or not: one that never began has none."""
        if self.termination is None and not self._rounds:
            self.termination = {"reason": "stopped", "message": "it ended before its first round"}

    def stream(self, piece: str) -> None:
        """A piece of an answer arrived; the newest 2 kB are kept."""
        self._stream = (self._stream + piece)[-2 * LIMIT :]

    def spend(self, spent: Mapping[str, float], reserved: Mapping[str, float]) -> None:
        """The ledger moved."""
        self._spending.ledger(spent, reserved)

    def to_json(self, *, now: datetime | None = None) -> dict[str, Any]:
        """The whole picture; `now` is given for a run that is going on."""
        return {"version": VERSION, **self.head(now), "rounds": self.rows(detailed=SAVED), "stream": self.tail}

    def head(self, now: datetime | None = None) -> dict[str, Any]:
        """All but the rounds and the stream: small, and sent with every update."""
        if self.termination is None:
            self._spending.spent["seconds"] = self._clock.seconds(now)
        return {
            **self._facts,
            "state": self.state,
            "headline": self._headline(),
            "doing": "" if self.termination else doing(self),
            "at": self._clock.latest(now),
            "paused": self.paused,
            "ticking": self.termination is None and self._clock.ticking,
            "round": self.iteration,
            "gauges": self._spending.gauges(),
            "progress": self._series.points,
            "checks": self._checks.to_json(),
            "best": self.best.n if self.best else None,
            "score": self.score,
            "termination": self.termination,
            "approval": self._approval,
            "notes": self._notes,
            "startup": self._startup,
            "forecast": self._forecast.to_json(),
            "breakers": [*self._breakers.values()],
            "older": max(min(self._rounds, default=1) - 1, 0),
        }

    def rows(self, since: int = 0, detailed: int = DETAILED) -> list[dict[str, Any]]:
        """The rounds that changed after revision `since`; only the newest and the best with all their texts."""
        trimmed, drawn = self.iteration - detailed, self.iteration - DRAWN
        return [
            round_.row(
                detail=round_.n > trimmed or round_ is self.best, figures=round_.n > drawn or round_ is self.best
            )
            for round_ in self._rounds.values()
            if round_.rev > since
        ]

    @property
    def score(self) -> float | None:
        """Of the best round, where all its checks passed; None where the run has no score."""
        return self.best.numbers["score"] if self.best is not None and self.best.mark == "pass" else None

    def row(self, n: int) -> dict[str, Any] | None:
        """One round with all its texts; None where it is only in the history."""
        round_ = self._rounds.get(n)
        return None if round_ is None else round_.row()

    @property
    def paused(self) -> bool:
        """Whether a person holds the run, or has asked to."""
        return self._pausing or (self.state == "wait" and self.note in {PAUSED, NEAR_LIMIT})

    @property
    def question(self) -> str:
        """What the run asks a person near a limit."""
        return self._notes[-1] if self._notes else NEAR_LIMIT

    @property
    def approving(self) -> bool:
        """Whether a value waits for a person."""
        return self._approval is not None

    @property
    def tool(self) -> str:
        """The tool that is being called, or nothing."""
        round_ = self._rounds.get(self.iteration)
        running = [call["tool"] for call in round_.tools if call["seconds"] is None] if round_ else []
        return running[-1] if running and self.state == "plan" else ""

    @property
    def tail(self) -> str:
        """The end of the answer that is arriving."""
        return clip(redact(self._stream)[-LIMIT:])

    def _headline(self) -> str:
        if self.termination is not None:
            reason = str(self.termination["reason"]).replace("_", " ")
            return reason if self.score is None else f"best {self.score:.6g} after {counted(self.iteration, 'round')}"
        if not self.iteration:
            return doing(self)
        limit = self._spending.limits["iterations"]
        where = f"round {self.iteration}" + (f" of {limit:.0f}" if limit is not None else "")
        if self.state == "wait":
            return self._waiting(where)
        if self.tool and not self.paused:
            return f"tool {self.tool} · {where}"
        return f"{'pausing' if self.paused else ACTIVITY.get(self.state, 'working')} · {where}"

    def _waiting(self, where: str) -> str:
        if self._approval is not None:
            return f"waiting for approval · {where}"
        if self.note == NEAR_LIMIT:
            return f"waiting for you · {where}"
        return f"paused · {where}" if self.paused else f"waiting · {self.note or where}"

    def _touch(self, event: Mapping[str, Any]) -> IterationView:
        """The round of an event, marked as changed; the oldest makes room."""
        n = max(int(event.get("iteration") or 0), self.iteration)  # 0: a stored candidate is verified again
        if n not in self._rounds:
            self._rounds[n] = IterationView(n)
            self.iteration, self._stream = n, ""
            if len(self._rounds) > ROUNDS:
                del self._rounds[next(iter(self._rounds))]
        self.rev += 1
        self._rounds[n].rev = self.rev
        return self._rounds[n]

    def _run_started(self, event: Mapping[str, Any]) -> None:
        if self._rounds:  # a fork goes on from another run's rounds, and pays for its own
            self._clock, self._spending, self.termination = Clock(), Spending(), None
            self._clock.saw(event.get("at"))
        self._facts = {
            "run": line(event.get("run", ""), 80),
            "name": line(event.get("loop", ""), 80),
            "goal": clip(redact(str(event.get("goal", ""))), 500),
            "model": line(event.get("model", ""), 80),
            "isolation": line(with_caveat(str(event.get("isolation", ""))), _LEVEL),
            "tools": [line(tool, 120) for tool in (event.get("tools") or ())[:20]],
        }
        self._started_up(event)
        self._spending.limit(event.get("budget") or {})
        self._forecast = ForecastView.of(event.get("forecast"))
        self._spending.priced = event.get("price") is not None
        self._checks = Checks(event.get("checks") or ())

    def _started_up(self, event: Mapping[str, Any]) -> None:
        """Describe a start that took noticeably long."""
        took = {name: seconds for name, seconds in (event.get("startup") or {}).items() if seconds >= NOTICED}
        if took:
            parts = ", ".join(f"{line(name, 60)} {brief(seconds)}" for name, seconds in took.items())
            self._startup = f"start-up, which is none of the run's time: {parts}"
            self._notes = [*self._notes[-19:], self._startup]

    def _run_resumed(self, event: Mapping[str, Any]) -> None:
        self._started_up(event)
        if level := event.get("isolation"):
            self._facts["isolation"] = line(with_caveat(str(level)), _LEVEL)
        self._approval = None  # it is asked again
        self._clock.rested()
        self._spending.limit(event.get("budget") or {})
        self._spending.go_on()
        self.termination, self._pausing, self.state, self.note = None, False, "prepare", ""
        round_ = self._rounds.get(int(event.get("iteration") or 0))
        if round_ is not None:
            self._touch(event).mark = "live"
            round_.noted("the run goes on here")

    def _state_changed(self, event: Mapping[str, Any]) -> None:
        self.state, self.note = str(event.get("to", "")), line(event.get("note", ""), 120)
        waits = self.state == "wait" and self.note in UNBILLED
        phase = self._clock.moved(str(event.get("source", "")), waits=waits)
        if not event.get("iteration"):
            return
        old = self._rounds.get(int(event["iteration"]))
        if old is not None and old.mark != "live":
            return  # the step out of a round that is over
        round_ = self._touch(event)
        round_.state = self.state
        if phase is not None and phase[0] not in {"prepare", "decide", "end"}:
            round_.phases = [*round_.phases[-59:], phase]
        if self.note:
            round_.noted(self.note)

    def _call_started(self, event: Mapping[str, Any]) -> None:
        self._spending.reserve(event)
        self._stream = ""
        self._touch(event).call_started(event)

    def _call_finished(self, event: Mapping[str, Any]) -> None:
        self._spending.settle(event)
        self._stream = ""
        self._touch(event).answered(event)

    def _tool_call_started(self, event: Mapping[str, Any]) -> None:
        self._touch(event).tool_call_started(event)

    def _tool_call_finished(self, event: Mapping[str, Any]) -> None:
        self._touch(event).tool_call_finished(event)

    def _candidate_proposed(self, event: Mapping[str, Any]) -> None:
        self._touch(event).proposed(event)

    def _candidate_executed(self, event: Mapping[str, Any]) -> None:
        self._touch(event).acted(event.get("observation") or {})

    def _checks_evaluated(self, event: Mapping[str, Any]) -> None:
        self._last_verdicts = list(event.get("verdicts") or ())
        self._checks.judge(self._last_verdicts)
        self._touch(event).judged(self._last_verdicts)

    def _approval_requested(self, event: Mapping[str, Any]) -> None:
        self._approval = {
            "number": event.get("number", 0),
            "check": line(event.get("check", "")),
            "value": clip(event.get("value", "")),
            "diff": clip(event.get("diff", "")),
        }
        self._touch(event).noted(f"waiting for approval: {event.get('check', '')}")

    def _question_answered(self, event: Mapping[str, Any]) -> None:
        if event.get("word") == "approve":
            self._approval = None
        self._touch(event).noted(event.get("note", ""))

    def _iteration_finished(self, event: Mapping[str, Any]) -> None:
        round_ = self._touch(event)
        round_.decided(event)
        self._forecast = ForecastView.of(event.get("forecast"))
        self._spending.spent["iterations"] = float(round_.n)
        if round_.best:
            self.best, self._verdicts = round_, self._last_verdicts
        reached, score = float(event.get("progress") or 0.0), round_.numbers["score"]
        self._series.add(round_.n, reached, round_.mark, score, best=round_.best)

    def _request_adapted(self, event: Mapping[str, Any]) -> None:
        what, before, after = (line(event.get(name, ""), 80) for name in ("what", "before", "after"))
        if what == "model":
            self._facts["model"] = after
        change = f"{before} → {after}" if before and after else after or before
        if self._rounds:
            self._touch(event).noted(f"{what}: {change}; {line(event.get('reason', ''))}")

    def _breaker_changed(self, event: Mapping[str, Any]) -> None:
        model, fault = line(event.get("model", ""), 80), line(event.get("fault", ""), 40)
        state = line(event.get("to", ""), 20)
        if state == "closed":
            self._breakers.pop((model, fault), None)
        else:
            pause = float(event.get("pause") or 0.0)
            self._breakers[model, fault] = {"model": model, "fault": fault, "state": state, "pause": pause}
        if self._rounds:
            times = event.get("failures") or 0
            self._touch(event).noted(f"breaker of {model} for {fault}: {state.replace('_', '-')} ({times} in a row)")

    def _run_steered(self, event: Mapping[str, Any]) -> None:
        action, value = str(event.get("action", "")), event.get("value")
        self._pausing = {"pause": True, "step": False, "resume": False}.get(action, self._pausing)
        if action == "budget" and isinstance(value, Mapping):
            self._spending.limit(value)
        if self._rounds:
            self._touch(event).noted(steered(action, value))

    def _note_added(self, event: Mapping[str, Any]) -> None:
        self._notes = [*self._notes[-19:], line(event.get("message", ""))]
        if self._rounds:
            self._touch(event).noted(event.get("message", ""))

    def _run_ended(self, event: Mapping[str, Any]) -> None:
        self._approval = None
        self.state, self._stream, self._forecast = "end", "", ForecastView()
        self.termination = {"reason": line(event.get("reason", ""), 40), "message": line(event.get("message", ""), 500)}
        self._spending.spent["seconds"] = self._clock.seconds()
        self._spending.final(event.get("usage") or {})
        if self.best is not None:
            self._checks.judge(self._verdicts)
        for round_ in self._rounds.values():
            if round_.mark == "live":
                self.rev += 1
                round_.mark, round_.state, round_.rev = "cut", "", self.rev
