"""Everything that happens in a run, as typed events.

The engine only ever says what happened. The journal makes it durable, the history turns it into
rows, the view folds it into a picture: all of them read the same events. An event's fields are a
contract with every history file ever written: add fields with defaults, never rename or drop one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from .candidate import Observation, Verdict
from .rebuild import rebuild

LoopJson = dict[str, Any]  # JSON of the loop's own numbers and words: no text of a model or a person


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened; `kind` names the class in JSON: RunStarted is run_started."""

    kind: ClassVar[str] = "event"

    def __init_subclass__(cls) -> None:
        cls.kind = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Event):
    """A run exists. Written before anything is spent."""

    loop: str  # the recipe's name
    goal: str
    source: str  # the cell's text
    fingerprint: str  # SHA-256 of recipe and inputs
    model: str
    isolation: str
    budget: dict[str, float | None]  # Budget as a dict
    price: dict[str, Any] | None  # Price as a dict; None: unknown
    options: dict[str, Any]  # what else was asked for, JSON
    targets: list[str]
    checks: list[dict[str, Any]]  # name, hidden, kind; in order
    code: bool = True  # whether candidates are Python
    kernel: str = ""  # "pid@host" of the process that runs it
    version: str = ""
    journal: str = ""  # token of the journal that holds the run: who has it locked is alive
    parent: str | None = None  # run id
    relation: str = ""  # to the parent: fork, replay, nested
    forked_at: int | None = None  # the parent's round that a fork goes on from
    forecast: LoopJson = field(default_factory=dict)  # Forecast as JSON, from the runs of the past
    tools: list[str] = field(default_factory=list)  # that the planner may call, one line each
    startup: LoopJson = field(default_factory=dict)  # what had to be there first → seconds, none of them the run's time
    notebook: str = ""  # name of the notebook's file
    cell: str = ""  # id of the cell in it


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResumed(Event):
    """The run goes on, after its kernel died or after it had ended."""

    iteration: int  # the round it goes on with
    phase: str  # State it goes on with
    model: str
    isolation: str
    fingerprint: str  # SHA-256 of recipe and inputs, as they are now
    budget: dict[str, float | None]  # Budget as a dict
    kernel: str = ""
    version: str = ""
    journal: str = ""
    startup: LoopJson = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChanged(Event):
    """The state machine took a step."""

    iteration: int  # 0 before the first
    source: str  # State
    to: str  # State
    note: str = ""  # why, where it is not the ordinary next step


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStarted(Event):
    """Money is reserved, and the request is about to leave."""

    call: int  # counts from 1 in the run
    iteration: int
    purpose: str  # plan, repair, judge
    model: str
    messages: list[dict[str, str]]  # role, content
    parts: list[LoopJson]  # name, tokens, dropped
    sampling: LoopJson
    reserved_usd: float
    reserved_tokens: int
    price: dict[str, Any] | None = None  # Price as a dict, as it was listed; None: unknown
    counting: str = ""  # Counting of the parts' tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFinished(Event):
    """The answer, durable before anything acts on it; or the fault that came instead."""

    call: int
    iteration: int
    text: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    usd: float | None = None  # None: the model's price is unknown
    estimated: bool = False  # tokens were counted here
    seconds: float = 0.0
    first_token_seconds: float | None = None
    finish_reason: str = ""
    error: str = ""  # ErrorClass, empty when the model answered
    message: str = ""
    answered_by: str = ""  # the model's name as the provider says it
    calls: list[dict[str, str]] = field(default_factory=list)  # of tools, that the model asks for: id, name, arguments


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallStarted(Event):
    """A tool is about to be called in the kernel."""

    iteration: int
    number: int  # counts from 1 in the run
    tool: str
    arguments: str  # JSON, or what the model took for it


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallFinished(Event):
    """A tool returned, or something came in between. A call that has this is not made again."""

    iteration: int
    number: int
    tool: str
    result: str  # as the model is told it
    error: str = ""  # unknown, arguments, busy, raised, timeout, cancelled
    seconds: float = 0.0
    kept: bool = True  # the result is as it was, and not a hash


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateProposed(Event):
    """A candidate was read from an answer."""

    iteration: int
    candidate_kind: str
    text: str
    digest: str  # SHA-256 of the candidate in a normal form: same digest, same proposal


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateExecuted(Event):
    """A candidate ran in the sandbox."""

    iteration: int
    observation: Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequested(Event):
    """A value waits for a person. Their word is a `RunSteered` event, and then a `QuestionAnswered` one."""

    iteration: int
    number: int  # counts from 1 in the run
    check: str  # its name
    value_kind: str  # text, json, code, table, repr
    value: str
    diff: str = ""  # against what the notebook has; lines that begin with ' ', + or -
    digest: str = ""  # SHA-256 of the value as text


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionAnswered(Event):
    """A judge or a person has answered a check's question: an equal one costs nothing from now on."""

    iteration: int
    word: str  # judge, approve
    check: int  # its number in the recipe, from 1
    site: int  # which of its calls, from 0
    digest: str  # SHA-256 of the value as text; of a person's no, of that and the code that made it
    by: str  # the judge's model, or "a person"
    value: float  # the grade; 1 or 0 for a person's yes or no
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecksEvaluated(Event):
    """The checks spoke."""

    iteration: int
    verdicts: list[Verdict]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class IterationFinished(Event):
    """A round is over; `why` is the one line that a person reads."""

    iteration: int
    passed: int  # checks
    total: int
    progress: float  # 0 to 1
    score: float | None  # of maximize/minimize, where there is one
    best: bool  # this round is the best so far
    why: str  # the first failure in one line, or what was achieved
    error: str = ""  # ErrorClass of what failed; empty when it passed, or was ended by hand
    phases: list[tuple[str, float]]  # state and seconds, in order; for the timeline
    usage: dict[str, float]  # of this round: usd, tokens, seconds
    feedback: list[str] = field(default_factory=list)  # what the model is told of it; `why` is for a person
    forecast: LoopJson = field(default_factory=dict)  # Forecast as JSON; empty once it is verified


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestAdapted(Event):
    """The loop itself changed how it asks, and why."""

    iteration: int
    what: str  # approach, model, max_tokens, fallback, feature, ladder
    before: str
    after: str
    reason: str
    model: str = ""  # whose endpoint refused a part of a request, or takes it again
    endpoint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerChanged(Event):
    """A call moved a circuit breaker, which all loops of the kernel share."""

    iteration: int
    model: str
    fault: str  # ErrorClass
    source: str  # closed, open, half_open
    to: str  # half_open: the call that follows is its probe
    failures: int  # in a row
    pause: float = 0.0  # seconds until a probe, when open


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSteered(Event):
    """A person changed something: pause, resume, step, stop, hint, budget, set, approve, reject."""

    iteration: int
    action: str
    value: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteAdded(Event):
    """Something a person should know, that no other event says."""

    iteration: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded(Event):
    """The run is over. Its last event, unless it is resumed."""

    reason: str  # StopReason
    message: str
    usage: dict[str, float]  # Usage as a dict
    iterations: int
    best: int | None  # the best iteration, None when there is no candidate
    delivered: dict[str, Any] = field(default_factory=dict)  # JSON of data and text targets, when verified


@dataclass(frozen=True, slots=True)
class Record:
    """An event with its place: the run, its number in the run (from 1), and UTC time."""

    run: str
    seq: int
    at: datetime
    event: Event

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, the same in the journal, in SQL and in an export."""
        return {
            "run": self.run,
            "seq": self.seq,
            "at": self.at.astimezone(UTC).isoformat(timespec="microseconds"),
            "kind": self.event.kind,
            **asdict(self.event),
        }

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Record | None:
        """The way back from `to_json`; None for a kind of event that this version does not know."""
        kind = KINDS.get(current_kind(value["kind"]))
        if kind is None:
            return None
        return cls(value["run"], value["seq"], datetime.fromisoformat(value["at"]), rebuild(kind, value))


KINDS: dict[str, type[Event]] = {kind.kind: kind for kind in Event.__subclasses__()}

# A kind as histories of schema v3 and before have it, and in bodies for ever → its name today.
RENAMED = {
    "resumed": "run_resumed",
    "moved": "state_changed",
    "tool_called": "tool_call_started",
    "tool_answered": "tool_call_finished",
    "proposed": "candidate_proposed",
    "acted": "candidate_executed",
    "approval_asked": "approval_requested",
    "answered": "question_answered",
    "judged": "checks_evaluated",
    "decided": "iteration_finished",
    "adapted": "request_adapted",
    "breaker_moved": "breaker_changed",
    "steered": "run_steered",
    "noted": "note_added",
}


def current_kind(kind: str) -> str:
    """The name that a stored kind of event has today."""
    return RENAMED.get(kind, kind)
