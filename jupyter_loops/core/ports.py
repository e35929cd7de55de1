"""Where the layers meet: each port is what one of them needs of another."""

from __future__ import annotations

import ast
from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from .budget import Price
from .candidate import Candidate, Delivery, Limits, Observation, Verdict
from .events import Record
from .host_question import Answering, HostAnswer, HostQuestion
from .imports import Imports
from .memory import Memory
from .message import Completion, Message, Prompt, Sampling
from .recipe import Check, Recipe
from .termination import StopReason
from .tool import Calling, Offer, ToolCall, ToolResult


class Model(Protocol):
    """One language model behind an endpoint."""

    @property
    def name(self) -> str:
        """The name that a person chose it by."""
        ...

    @property
    def endpoint(self) -> str:
        """Where it answers: a model of the same name elsewhere fails, or does not, on its own."""
        ...

    async def open(self) -> None:
        """Be ready to answer: import the client, start the server. Idempotent; raises ModelError."""
        ...

    async def complete(
        self, prompt: Prompt, sampling: Sampling, on_text: Callable[[str], None] | None = None
    ) -> Completion:
        """Answer once, without retries. With `on_text`, stream: it is called with each piece as it arrives."""
        ...

    def count(self, messages: Sequence[Message], tools: Sequence[Offer] = ()) -> int:
        """Prompt tokens that these take; never fewer than the provider will bill, as far as is known."""
        ...

    async def tokenized(self, texts: Sequence[str]) -> list[int] | None:
        """Tokens of each text by its own tokenizer; None where those cannot be had at once and for nothing."""
        ...

    def calling(self) -> Calling:
        """How it calls tools, as far as is known."""
        ...

    def price(self) -> Price | None:
        """List price, or None when it is not known (which is not the same as free)."""
        ...

    def window(self) -> int | None:
        """Tokens of context, prompt and answer together, or None when it is not known."""
        ...

    def varies(self) -> bool:
        """Whether it may answer the same question in another way when it is asked again."""
        ...

    def carried(self) -> frozenset[str] | None:
        """The parts of a prompt from earlier rounds that it can use, by name; None for all of them."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The environment of every candidate of a run: set-up, names, limits."""

    recipe: Recipe
    names: Mapping[str, object] = field(default_factory=dict)  # the notebook's, as set-up and checks use them
    offered: Mapping[str, object] = field(default_factory=dict)  # its others, sent once a candidate reads them
    given: frozenset[str] = frozenset()  # names that are handed over although they hold secrets
    limits: Limits = field(default_factory=Limits)
    all_checks: bool = False  # also those of a layer that has failed and takes long
    imports: Imports = field(default_factory=Imports)  # of candidates
    tests: Mapping[str, str] = field(default_factory=dict)  # of `pytest(...)`: as written → absolute
    roots: tuple[str, ...] = ()  # folders of those tests, which the child may read
    tests_digest: str = ""  # SHA-256 over what is there when the run begins
    item: str = ""  # the row of a map, as the model reads it
    artifacts: Path | None = None  # where files that candidates write are kept; None: nowhere
    aside: Callable[[], AbstractAsyncContextManager[None]] = nullcontext  # around a wait for the kernel's other runs

    @property
    def reach(self) -> Mapping[str, object]:
        """All of the notebook that the run may read: what it was given, before what there is now."""
        return ChainMap(dict(self.names), dict(self.offered))


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """What the sandbox reports once the set-up has run."""

    isolation: str  # bubblewrap, landlock, container, process
    schemas: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # data target → JSON schema
    stdout: str = ""  # what the set-up printed
    notes: tuple[str, ...] = ()  # what a person should know (a fallback, a missing limit)
    fingerprint: str = ""  # SHA-256 of the names as they were sent


class Attempt(Protocol):
    """One candidate in its own child process."""

    async def execute(self) -> Observation:
        """Run the candidate; a data candidate is validated against its types."""
        ...

    async def examine(
        self, checks: Sequence[Check], answering: Answering | None = None
    ) -> tuple[list[Verdict], Observation]:
        """Run the checks in order. The observation is what they printed and used.

        Once one has failed, and the examination has taken a second, the rest is left out and has no verdict,
        unless the world asks for all. `answering` is asked where a check calls judge, approve or pytest; the
        attempt's clock stands still meanwhile. What it raises ends the attempt, and is raised here.
        """
        ...

    async def test(self, tests: Sequence[str]) -> HostAnswer:
        """Run the user's own tests against the executed candidate, with a real pytest in this attempt's child."""
        ...

    async def deliver(self) -> Delivery:
        """The targets' values, encoded by the examiner."""
        ...


class PromptLayout(Protocol):
    """Makes the messages of a round from the named parts of its prompt."""

    @property
    def title(self) -> str:
        """What messages call it."""
        ...

    async def __call__(self, parts: Mapping[str, str]) -> list[Message]:
        """The messages for these parts, name → text, in the order of the planner. Raises PromptError."""
        ...


class Toolbox(Protocol):
    """The user's tools, which run in the kernel, on live objects."""

    @property
    def offers(self) -> tuple[Offer, ...]:
        """What may be called."""
        ...

    @property
    def patience(self) -> float | None:
        """Seconds that a call may take; None: as long as the run."""
        ...

    async def call(self, call: ToolCall) -> ToolResult:
        """Make the call on a thread of its own. Whatever goes wrong is a result, except being cancelled."""
        ...


class Sandbox(Protocol):
    """Runs candidates where they can do no harm."""

    async def open(self, world: World) -> Readiness:
        """Start the warm child and run the set-up. Raises SetupError, PreflightError, SandboxError."""
        ...

    def attempt(self, candidate: Candidate) -> AbstractAsyncContextManager[Attempt]:
        """A pristine world for one candidate; leaving the context kills everything in it, cancellation included."""
        ...

    async def close(self) -> None:
        """Leave no process and no file behind. Idempotent."""
        ...


class Planner(Protocol):
    """Turns what is known into a prompt, and an answer into a candidate."""

    def prompt(
        self, recipe: Recipe, memory: Memory, window: int | None, carried: frozenset[str] | None = None
    ) -> Prompt:
        """The question for this round, within `window` tokens (None: unknown, be moderate).

        Of the parts that come from earlier rounds only those named in `carried` are told; None is all of them.
        """
        ...

    async def arranged(self, prompt: Prompt, window: int | None) -> Prompt:
        """The prompt in the messages that the user's own layout makes of its parts; the same one without a layout.

        Raises PromptError.
        """
        ...

    async def preflight(
        self, recipe: Recipe, memory: Memory, window: int | None, carried: frozenset[str] | None
    ) -> None:
        """Make the first prompt. Raises PreflightError where the question does not fit, or a layout fails."""
        ...

    def sampling(self, memory: Memory) -> Sampling:
        """How to ask in this round."""
        ...

    async def read(self, recipe: Recipe, text: str, *, cut: bool = False, attempts: Sequence[str] = ()) -> Candidate:
        """The candidate in an answer, cut at its length limit or not. Raises ReplyError: feedback for the model.

        The answer may edit one of the `attempts`; an EditError says that its edits do not fit.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class IterationSummary:
    """What the detectors of a stuck run need to know of one round."""

    iteration: int
    digest: str  # of the candidate; empty when there was none
    outcome: str  # which checks passed and what the first failure said: same outcome, same result
    progress: float
    score: float | None = None  # higher is better, whichever way the recipe asks


@dataclass(frozen=True, slots=True)
class StuckFinding:
    """A run gets nowhere: which detector says so, its evidence, and how far things have gone."""

    reason: StopReason
    message: str
    rung: int  # 1 when it is first noticed, to 4 when the run had better end


class Detector(Protocol):
    """Notices that a run gets nowhere."""

    def take(self, turn: IterationSummary) -> StuckFinding | None:
        """Add the next round; at the same cost however many came before."""
        ...


@dataclass(slots=True, kw_only=True)
class Case:
    """One candidate on its way up the layers of verification."""

    recipe: Recipe
    candidate: Candidate
    verdicts: list[Verdict] = field(default_factory=list)  # so far; layers are told one after the other
    tree: ast.Module | None = None  # of code that could be parsed
    attempt: Attempt | None = None  # the child that it has run in
    observation: Observation | None = None  # of that
    answering: Answering | None = None  # who is asked where a check asks
    observed: Callable[[Observation], None] | None = None  # is told what each examination printed and used


class Stage(Protocol):
    """One layer of verification."""

    async def verify(self, case: Case) -> list[Verdict]:
        """Its verdicts; none where it has nothing to say."""
        ...


class Verifier(Protocol):
    """Decides how good a candidate is, in layers from cheap to dear; the first that fails is the last."""

    async def before(self, case: Case) -> bool:
        """The layers that need no execution, parse and static; whether all passed."""
        ...

    async def after(self, case: Case) -> bool:
        """Those of a candidate that has run: schema, checks, metrics, hidden; whether all passed."""
        ...

    async def judged(self, case: Case) -> bool:
        """A judge's; whether all passed."""
        ...

    async def approval(self, case: Case) -> bool:
        """The last, a person's word; whether it was given."""
        ...

    def digest(self, candidate: Candidate) -> str:
        """SHA-256 of the candidate in a normal form."""
        ...

    def progress(self, recipe: Recipe, verdicts: Sequence[Verdict]) -> float:
        """One number in [0, 1]; 1 when every check passed."""
        ...

    def why(self, verdicts: Sequence[Verdict], observation: Observation | None) -> str:
        """The one line that a person reads."""
        ...

    def feedback(self, verdicts: Sequence[Verdict], observation: Observation | None) -> tuple[str, ...]:
        """What the model is told; of hidden checks only how many failed."""
        ...

    def detector(self, patience: int | None) -> Detector:
        """Repetition, oscillation and plateau, for one run."""
        ...


class Allowance(Protocol):
    """US dollars that several runs may spend together, runs of other kernels among them. Thread-safe."""

    @property
    def scope(self) -> str:
        """Whose money it is, in words that follow "left of": "today's $5"; empty where it has no limit."""
        ...

    def take(self, least: float, most: float) -> float:
        """Set aside up to `most`. Raises BudgetError where `least` is not there."""
        ...

    def settle(self, reserved: float, used: float) -> None:
        """Replace what was set aside by what was used."""
        ...


class Judge(Protocol):
    """Turns a question into a prompt for a second model, and its answer into a grade."""

    def prompt(self, question: HostQuestion, rubric: str, window: int | None) -> Prompt:
        """What the judge is asked, within `window` tokens: the rubric and the value, and nothing else of the run."""
        ...

    def read(self, text: str) -> HostAnswer:
        """The grade, 0 to 1, and its reason. Raises ReplyError for anything else."""
        ...


class Journal(Protocol):
    """Makes events durable."""

    def append(self, *records: Record) -> None:
        """Return once the events, in this order, would survive a crash of this process. Thread-safe."""
        ...


class Observer(Protocol):
    """Gets the events of a run as they happen. Must not block and must not raise."""

    def heard(self, record: Record) -> None:
        """An event has become durable."""
        ...


class Listener(Observer, Protocol):
    """An observer that gets what is no event as well: a view."""

    def text(self, run: str, piece: str) -> None:
        """A piece of an answer arrived; pieces are not events and are not stored."""
        ...

    def spent(self, run: str, usage: Mapping[str, float], reserved: Mapping[str, float]) -> None:
        """The ledger moved: what is settled, and what is reserved besides."""
        ...

    def preparing(self, run: str, step: str) -> None:
        """What the run waits for before its first round, such as `loading LiteLLM`; empty when that is over."""
        ...
