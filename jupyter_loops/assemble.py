"""Options → a ready Run. The only place that knows every adapter."""

from __future__ import annotations

import asyncio
import hashlib
import math
import os
import platform
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from jupyter_loops._version import __version__
from jupyter_loops.continuation import Continuation, Stored
from jupyter_loops.core.approach import Approach, Mode, Worth
from jupyter_loops.core.budget import Budget, Price, Usage
from jupyter_loops.core.candidate import Candidate, CandidateKind, Limits
from jupyter_loops.core.condition import Condition
from jupyter_loops.core.events import Answered, Noted, Resumed, RunStarted
from jupyter_loops.core.forecast import Forecast, Outcome, StopIf
from jupyter_loops.core.imports import Imports
from jupyter_loops.core.memory import Memory
from jupyter_loops.core.message import Prompt
from jupyter_loops.core.ports import Listener, Model, Readiness, Sandbox, World
from jupyter_loops.core.recipe import Recipe, Word
from jupyter_loops.core.redaction import redact
from jupyter_loops.engine import background, breaker
from jupyter_loops.engine.control import Control
from jupyter_loops.engine.cycle import Cycle
from jupyter_loops.engine.desk import Attendance, Callback, Desk
from jupyter_loops.engine.forecast import MOST_ROUNDS, Forecaster
from jupyter_loops.engine.judging import Judging
from jupyter_loops.engine.ledger import LEAST_ANSWER, Ledger
from jupyter_loops.engine.lineage import CURRENT, Lineage
from jupyter_loops.engine.origin import Origin
from jupyter_loops.engine.pace import Pace
from jupyter_loops.engine.past import Past
from jupyter_loops.engine.prompts import Prompts
from jupyter_loops.engine.questions import Questions
from jupyter_loops.engine.recorder import Recorder
from jupyter_loops.errors import OptionError, PreflightError
from jupyter_loops.run import Run, names_used
from jupyter_loops.view.attendance import attended

if TYPE_CHECKING:
    from jupyter_loops.history import History
    from jupyter_loops.planning.planner import Planner

_POSITIVE = (
    "daily_usd",
    *("usd", "tokens", "time", "iterations", "calls", "patience", "repeat", "watchdog"),
    *("max_tokens", "call_timeout", "timeout", "setup_timeout", "memory", "judge_votes"),
)
DEFAULT_MODEL = "local"
MODEL_VARIABLE = "JUPYTER_LOOPS_MODEL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a loop is pursued. The same names as on the %%loop line; None means no limit, or the default."""

    model: str | None = None  # None: JUPYTER_LOOPS_MODEL, then the embedded model
    api_base: str | None = None  # of an OpenAI-compatible server
    fallback: tuple[str, ...] = ()  # models that are asked, in this order, when the first cannot answer
    usd: float | None = 1.0
    tokens: int | None = None
    time: float | None = 600.0  # seconds
    iterations: int | None = 10
    calls: int | None = None  # to models; retries are calls
    price: str | Price | None = None  # None: the provider's list; otherwise "in,out" in dollars for a million tokens
    until: str | Condition | None = None  # what else ends the run, e.g. "Verified() | Usd(0.5) & Plateau(3)"
    daily_usd: float | None = None  # for all notebooks together, in a day (UTC)
    landing: float = 0.8  # share of a limit, from which on the model is told what is left; 1: never
    patience: int | None = None  # rounds without improvement before a plateau ends the run
    all_checks: bool = False  # also run those of a layer that has failed and takes longer than a second
    repeat: int = 1  # times that a candidate has to pass again, each in a fresh child, before it is crowned
    watchdog: float | None = 300.0  # seconds without a step after which a run is ended
    temperature: float | None = None
    max_tokens: int | None = None  # of one answer
    call_timeout: float | None = None  # seconds for one answer of the model; None: the planner's
    timeout: float = 10.0  # seconds for one candidate and its checks
    setup_timeout: float | None = 120.0  # seconds for the set-up
    memory: int = 2 * 1024**3  # bytes for one candidate
    seed: int | None = None
    escalate: tuple[str, ...] = ()  # dearer models, asked in this order when the first gets stuck
    static: bool = False  # ask by the planner's schedule alone, whatever was measured
    stop_if: str | None = None  # a rule over the forecast that ends the run: "p < 0.05"
    fresh: bool = False  # search anew even where a verified candidate is stored
    store_prompts: str = "full"  # what is kept of what a model is asked: full, hash, off
    resume: bool = False  # go on with an interrupted run of the same cell, where there is one
    judge_model: str | None = None  # grades `judge(...)`; None: the same model
    judge_api_base: str | None = None
    judge_votes: int = 1  # the median decides
    auto_approve: bool = False  # `approve(...)` is true without a person
    sandbox: str = "auto"  # bubblewrap, container, process
    image: str | None = None  # of a container
    allow_imports: Sequence[str] | None = None  # modules that candidates may import, and those of the set-up; None: all
    deny_imports: Sequence[str] = ()
    keep_files: bool = False  # what candidates write, beside the history; see run.artifacts
    history: str | None = None  # path of the DuckDB file

    def __post_init__(self) -> None:
        for name in _POSITIVE:
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise OptionError(f"--{name.replace('_', '-')} must be more than 0, got {value:g}")
        if not 0 < self.landing <= 1:
            raise OptionError(f"--landing must be more than 0 and at most 1, got {self.landing:g}")
        _ = self.given_price, self.condition  # are checked here
        if self.store_prompts not in set(Prompts):
            raise OptionError(f"--store-prompts got {self.store_prompts!r}, expected full, hash or off")
        if self.temperature is not None and not 0 <= self.temperature <= 2:  # noqa: PLR2004  # the providers' range
            raise OptionError(f"--temperature must lie between 0 and 2, got {self.temperature:g}")

        if self.image is not None and self.sandbox not in {"auto", "container"}:
            raise OptionError(f"--image is for --sandbox container, and this is --sandbox {self.sandbox}")
        for name in ("allow_imports", "deny_imports"):
            if isinstance(getattr(self, name), str):
                raise OptionError(f"{name} is a list of module names, such as ['math', 're']")

    @property
    def chosen_model(self) -> str:
        """The model's name: never a paid one by surprise."""
        return self.model or os.environ.get(MODEL_VARIABLE) or DEFAULT_MODEL

    @property
    def budget(self) -> Budget:
        """The limits of the run; a condition that is a limit is one of them."""
        budget = Budget(
            usd=self.usd, tokens=self.tokens, seconds=self.time, iterations=self.iterations, calls=self.calls
        )
        return budget if self.condition is None else self.condition.cap(budget)

    @property
    def condition(self) -> Condition | None:
        """What else ends the run. Raises OptionError."""
        from jupyter_loops.language import read_until

        if not isinstance(self.until, str):
            return self.until
        try:
            return read_until(self.until)
        except ValueError as error:
            raise OptionError(f"--until got {self.until[:60]!r}, expected {error}") from None

    @property
    def written(self) -> dict[str, object]:
        """The options as JSON, for the record."""
        until = None if self.until is None else str(self.until)
        options = asdict(replace(self, until=until))
        return {name: value for name, value in options.items() if name != "history"}

    @property
    def given_price(self) -> Price | None:
        """The price that a person gave, or None. Raises OptionError."""
        if not isinstance(self.price, str):
            return self.price
        try:
            return Price.per_million(self.price)
        except ValueError as error:
            raise OptionError(f"--price got {self.price[:40]!r}, expected {error}") from None

    @property
    def rule(self) -> StopIf | None:
        """`stop_if`, read. Raises OptionError."""
        try:
            return None if self.stop_if is None else StopIf(self.stop_if)
        except ValueError as error:
            raise OptionError(f"--stop-if got {self.stop_if!r:.60}, expected {error}") from None

    @property
    def limits(self) -> Limits:
        """The limits of one candidate."""
        return Limits(seconds=self.timeout, setup_seconds=self.setup_timeout, memory_bytes=self.memory)


@dataclass(frozen=True, slots=True)
class Adapters:
    """The parts that a run is made of; a benchmark or a test may bring its own."""

    model: Model
    sandbox: Sandbox
    fallbacks: tuple[Model, ...] = ()
    judge: Model | None = None  # None: the same model
    escalation: tuple[Model, ...] = ()

    @classmethod
    def of(cls, options: Options, asked: int = 0) -> Adapters:
        """What the options ask for; a run that goes on has `asked` its model so often. Raises PreflightError."""
        from jupyter_loops.execution.sandbox import ZygoteSandbox
        from jupyter_loops.planning.models import open_model

        model = open_model(options.chosen_model, api_base=options.api_base, price=options.given_price, asked=asked)
        fallbacks = tuple(_model(options, name) for name in options.fallback)
        escalation = tuple(_model(options, name) for name in options.escalate)
        judge = open_model(options.judge_model, api_base=options.judge_api_base) if options.judge_model else None
        return cls(model, ZygoteSandbox(isolation=options.sandbox, image=options.image), fallbacks, judge, escalation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who answers `approve(...)`."""

    there: bool = False  # somebody can: in the view, by `%loops approve`, or by `run.approve()`
    callback: Callback | None = None  # answers instead
    namespace: Mapping[str, object] = field(default_factory=dict)  # what the notebook has now, for a diff

    def attendance(self, options: Options) -> Attendance:
        """Whom to ask."""
        if options.auto_approve:
            return Attendance.AUTO
        if self.callback is not None:
            return Attendance.CALLBACK
        return Attendance.PERSON if self.there else Attendance.NOBODY


def launch(
    recipe: Recipe,
    options: Options | None = None,
    names: Mapping[str, object] | None = None,
    listeners: Sequence[Listener] = (),
    adapters: Adapters | None = None,
    *,
    parent: Lineage | None = None,
    origin: Origin | None = None,
    person: Person | None = None,
) -> Run:
    """Start a run on the engine's thread and return at once.

    Raises PreflightError and OptionError for what can be told at once; what only the sandbox or the model can
    tell comes to whoever awaits the run.
    """
    from jupyter_loops.history import open_history
    from jupyter_loops.planning.names import summarise
    from jupyter_loops.verification.verifier import Verifier

    options = options or Options()
    if origin is None and (found := broken_off(recipe, options)):
        origin = found.origin
    world = _world(recipe, options, names or {})
    origin = origin or Origin()
    adapters = adapters or Adapters.of(options, origin.past.answered if origin.past else 0)
    history = open_history(options.history)
    run_id = origin.run_id or new_id()
    known = len(history.notices)
    seq = origin.past.seq if origin.past else 0
    recorder = Recorder(run_id, history.journal, listeners, seq, Prompts(options.store_prompts))
    if options.keep_files:
        world = replace(world, artifacts=history.artifacts(run_id))
    for notice in history.notices[known:]:
        recorder.note(notice)
    parent = parent or CURRENT.get()
    family = _family(run_id, recipe.name, options, recorder, parent, history=history)
    pace = Pace(family.control, family.ledger, recorder)
    if parent is not None and origin.parent is None:
        origin = replace(origin, parent=parent.run, relation="nested")
    cycle = Cycle(
        world=world,
        model=adapters.model,
        sandbox=adapters.sandbox,
        planner=_planner(options, world),
        verifier=Verifier(imports=world.imports),
        pace=pace,
        questions=_questions(world, options, adapters, pace, person or Person(there=attended(), namespace=names or {})),
        opening=_Opening(recipe, options, adapters.model, history, recorder, origin),
        names=summarise(_spoken_of(world)),
        patience=options.patience,
        repeat=options.repeat,
        watchdog=options.watchdog,
        until=options.condition,
        landing_share=options.landing,
        fallbacks=adapters.fallbacks,
        breakers=breaker.SHARED,
        find=partial(_model, options),
        lineage=family,
        past=origin.past,
        stop_if=options.rule,
        escalation=adapters.escalation,
        adaptive=not options.static,
        fixed=frozenset(name for name in ("temperature", "max_tokens") if getattr(options, name) is not None),
        seed=options.seed,
    )
    future = background.submit(cycle.run())
    future.add_done_callback(lambda _: origin.let_go())
    future.add_done_callback(history.tell(lambda notice: background.soon(recorder.note, notice)))
    forking = partial(fork, history=options.history)
    return Run(id=run_id, recipe=recipe, history=history, cycle=cycle, future=future, forking=forking)


def pursue(
    found: Continuation,
    names: Mapping[str, object] | None = None,
    listeners: Sequence[Listener] = (),
    adapters: Adapters | None = None,
    **changes: Any,
) -> Run:
    """Go on with a stored run, or start from it. `changes` are options that are to be different now.

    Raises PreflightError, naming what the notebook lacks, and OptionError.
    """
    missing = found.missing(names or {})
    if missing:
        found.origin.let_go()
        raise PreflightError(
            f"{found.recipe.name} reads {', '.join(missing)}, and the notebook does not have that yet: "
            "first run the cells that define it"
        )
    known = {option.name for option in fields(Options)}
    if unknown := changes.keys() - known:
        found.origin.let_go()
        raise OptionError(f"no option is called {', '.join(sorted(unknown))}")
    options = Options(**{name: value for name, value in (found.options | changes).items() if name in known})
    if found.origin.past is not None and options.model != found.options["model"]:
        found.origin.past.answered = 0  # a script of its own begins at its beginning
    if found.answers is not None:
        adapters, options = _replaying(found.answers, options)
    try:
        return launch(found.recipe, options, names, listeners, adapters, origin=found.origin)
    except BaseException:
        found.origin.let_go()
        raise


def _replaying(answers: Sequence[str], options: Options) -> tuple[Adapters, Options]:
    """The real sandbox, and a model that says what was said."""
    from jupyter_loops.execution.sandbox import ZygoteSandbox
    from jupyter_loops.planning.models.replay import ReplayModel

    free = replace(options, fresh=True, usd=None, tokens=None, iterations=len(answers), patience=None)
    return Adapters(
        ReplayModel(answers, name="replay"), ZygoteSandbox(isolation=options.sandbox, image=options.image)
    ), free


def stored(name: str, history: str | None = None) -> Stored:
    """A run of the history, by its id or its loop's name. Raises PreflightError."""
    from jupyter_loops.history import open_history
    from jupyter_loops.verification.verifier import Verifier

    return Stored.find(open_history(history), Verifier(), name)


def broken_off(recipe: Recipe, options: Options) -> Continuation | None:
    """The interrupted run of this very cell, where --resume asks for it and there is one."""
    if not options.resume:
        return None
    from jupyter_loops.history import open_history

    found = open_history(options.history).broken_off(recipe.name, source=redact(recipe.source))
    return None if found is None else stored(found.run_id, options.history).resumed()


def resume(name: str, names: Mapping[str, object] | None = None, *, history: str | None = None, **options: Any) -> Run:
    """Go on with a run that was interrupted, whose kernel died, or that reached a limit; `name` is its id or loop.

    What was paid for is not paid for again: an answer that was not tried yet is tried first. Spent money, tokens
    and time count. `names` are the notebook's, `options` what is to be different now, such as a raised limit.
    Raises PreflightError, HistoryError while it goes on in another kernel.
    """
    return pursue(stored(name, history).resumed(), names, **options)


def fork(
    name: str,
    at: int | None = None,
    hint: str = "",
    names: Mapping[str, object] | None = None,
    *,
    history: str | None = None,
    **options: Any,
) -> Run:
    """Start a new run from the end of round `at` of a stored one, its last by default; see `Run.fork`."""
    return pursue(stored(name, history).forked(at, hint), names, **options)


def replay(name: str, names: Mapping[str, object] | None = None, *, history: str | None = None, **options: Any) -> Run:
    """Try the stored answers of a run again, in today's sandbox on today's names: no model, no token."""
    return pursue(stored(name, history).replayed(), names, **options)


@dataclass(frozen=True, slots=True, repr=False)
class DryRun:
    """What a run would ask first, and what it may cost. Nothing was spent."""

    prompt: Prompt
    options: Options
    readiness: Readiness
    tokens: int  # of the first prompt
    usd: float | None  # the most that the first call may cost; None: the price is not known
    forecast: Forecast
    projected: tuple[float, float] | None  # US dollars of the whole run; None: the price is not known

    def __repr__(self) -> str:
        budget = self.options.budget
        limits = ", ".join(f"{name} {value:g}" for name, value in asdict(budget).items() if value is not None)
        parts = ", ".join(f"{part.name} {part.tokens}" for part in self.prompt.parts)
        cost = "unknown price" if self.usd is None else f"at most ${self.usd:.6f}"
        known = f"{self.forecast.runs} runs like this" if self.forecast.runs else "no run like this is known yet"
        span = "unknown price" if self.projected is None else "${:.6f} to ${:.6f}".format(*self.projected)
        lines = [
            f"model     {self.options.chosen_model}",
            f"limits    {limits}",
            f"sandbox   {self.readiness.isolation}",
            f"prompt    {self.tokens} tokens: {parts}",
            f"one call  {cost}; a run of {budget.iterations or 'unlimited'} rounds up to that many times as much",
            f"projected {span}; {self.forecast.p:.0%} to verify by round {self.forecast.by_round} ({known})",
            "",
            *(f"[{message.role}]\n{message.content}\n" for message in self.prompt.messages),
        ]
        return "\n".join(lines)


def dry_run(recipe: Recipe, options: Options | None = None, names: Mapping[str, object] | None = None) -> DryRun:
    """Preflight, and stop there: set-up executed, prompt made and counted, price looked up."""
    options = options or Options()
    return background.submit(_dry_run(recipe, options, _world(recipe, options, names or {}))).result()


async def _dry_run(recipe: Recipe, options: Options, world: World) -> DryRun:
    from jupyter_loops.planning.names import summarise

    adapters = Adapters.of(options)
    try:
        readiness = await adapters.sandbox.open(world)
        await adapters.model.open()
    finally:
        await adapters.sandbox.close()
    planner = _planner(options, world)
    schemas = {name: dict(schema) for name, schema in readiness.schemas.items()}
    memory = Memory(names=summarise(_spoken_of(world)), schemas=schemas)
    prompt = planner.prompt(recipe, memory, adapters.model.window())
    tokens, price = adapters.model.count(prompt.messages), adapters.model.price()
    Ledger(options.budget).quote(price, adapters.model.name)
    usd = None if price is None else price.cost(tokens, planner.sampling(memory).max_tokens)
    forecast = await _expected(recipe, options, adapters.model)
    least = None if price is None else price.cost(tokens, LEAST_ANSWER)
    most = None if usd is None else min(usd * (options.iterations or MOST_ROUNDS), options.usd or math.inf)
    span = None if least is None or most is None else forecast.usd_range if forecast.runs else (least, most)
    return DryRun(prompt, options, readiness, tokens, usd, forecast, span)


async def _expected(recipe: Recipe, options: Options, model: Model) -> Forecast:
    """What the runs of the past say about a new one."""
    from jupyter_loops.history import open_history

    rows = await asyncio.to_thread(open_history(options.history).outcomes, recipe.name, model.name)
    forecaster = Forecaster(Outcome(**row) for row in rows)
    return forecaster.after(Usage(), options.budget, priced=model.price() is not None)


@dataclass(slots=True)
class _Opening:
    """Puts a run on the record."""

    recipe: Recipe
    options: Options
    model: Model
    history: History
    recorder: Recorder
    origin: Origin
    offer: str = field(init=False, default="")  # what a person may want to know of an interrupted run

    async def recall(self, readiness: Readiness) -> tuple[Candidate, list[Answered]] | None:
        """A candidate that was verified for an equal recipe on equal inputs, unless a fresh search is asked for."""
        if self.options.fresh:
            return None
        row, self.offer = await asyncio.to_thread(self._look_up, self._fingerprint(readiness))
        if row is None:
            return None
        said = await asyncio.to_thread(self.history.answers, row["run_id"]) if self.recipe.asks else []
        return Candidate(kind=CandidateKind(row["kind"]), text=row["text"]), said

    def _look_up(self, fingerprint: str) -> tuple[dict[str, Any] | None, str]:
        found = self.history.verified(fingerprint)
        broken_off = None if found else self.history.broken_off(self.recipe.name, fingerprint=fingerprint)
        return found, broken_off.offer if broken_off else ""

    async def outcomes(self) -> list[Outcome]:
        """How runs of this loop, and of this model, went."""
        rows = await asyncio.to_thread(self.history.outcomes, self.recipe.name, self.model.name)
        return [Outcome(**row) for row in rows]

    async def approaches(self) -> dict[Approach, Worth]:
        """What ways to ask were worth in runs of this loop."""
        names = [self.model.name, *self.options.escalate]
        rows = await asyncio.to_thread(self.history.approaches, self.recipe.name, names)
        return {Approach(row.pop("model"), Mode(row.pop("mode")), row.pop("degree")): Worth(**row) for row in rows}

    def announce(self, readiness: Readiness, price: Price | None, forecast: Forecast | None) -> None:
        """Say RunStarted, or Resumed."""
        if self.origin.run_id is None:
            self.recorder.say(self._started(readiness, price, forecast))
        else:
            self.recorder.say(self._resumed(readiness, self.origin.past or Past()))
        if self.offer:
            self.recorder.say(Noted(iteration=0, message=self.offer))

    def _started(self, readiness: Readiness, price: Price | None, forecast: Forecast | None) -> RunStarted:
        return RunStarted(
            loop=self.recipe.name,
            goal=self.recipe.goal,
            source=self.recipe.source,
            fingerprint=self._fingerprint(readiness),
            model=self.model.name,
            isolation=readiness.isolation,
            budget=asdict(self.options.budget),
            price=None if price is None else asdict(price),
            options=self.options.written,
            targets=[target.name for target in self.recipe.targets],
            checks=[{"name": check.name, "hidden": check.hidden, "kind": check.kind} for check in self.recipe.checks],
            code=self.recipe.asks_for_code,
            kernel=_kernel(),
            version=__version__,
            journal=self.history.journal.token,
            parent=self.origin.parent,
            relation=self.origin.relation,
            forked_at=self.origin.forked_at,
            forecast=forecast.to_json() if forecast else {},
        )

    def _resumed(self, readiness: Readiness, past: Past) -> Resumed:
        return Resumed(
            iteration=past.iteration,
            phase=past.state,
            model=self.model.name,
            isolation=readiness.isolation,
            fingerprint=self._fingerprint(readiness),
            budget=asdict(self.options.budget),
            kernel=_kernel(),
            version=__version__,
            journal=self.history.journal.token,
        )

    def _fingerprint(self, readiness: Readiness) -> str:
        return hashlib.sha256(f"{self.recipe.fingerprint()}{readiness.fingerprint}".encode()).hexdigest()


def _model(options: Options, name: str) -> Model:
    """Another model than the chosen one. Raises OptionError, PreflightError."""
    from jupyter_loops.planning.models import open_model

    return open_model(name, api_base=options.api_base)


def _family(
    run: str, name: str, options: Options, recorder: Recorder, parent: Lineage | None, *, history: History
) -> Lineage:
    """The new run among its relatives: with a ledger of its own, or one that is cut from its parent's."""
    if parent is None:
        ledger = Ledger.within(history.day(options.daily_usd), options.budget, recorder.spent)
        return Lineage(run=run, name=name, ledger=ledger, control=Control())
    depth = parent.deeper(name)
    ledger = parent.ledger.child(options.budget, recorder.spent, scope=f"the loop {parent.name} around it")
    lineage = Lineage(run=run, name=name, ledger=ledger, control=Control(), depth=depth)
    parent.take_in(lineage)
    return lineage


def _kernel() -> str:
    return f"{os.getpid()}@{platform.node()}"


def new_id() -> str:
    """A run id that sorts by time and is the same in no two processes."""
    return f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{secrets.token_hex(4)}"


def _planner(options: Options, world: World) -> Planner:
    from jupyter_loops.planning.planner import Planner

    return Planner(
        temperature=options.temperature,
        max_tokens=options.max_tokens,
        seed=options.seed,
        timeout=options.call_timeout,
        imports=world.imports.rule,
    )


def _questions(world: World, options: Options, adapters: Adapters, pace: Pace, person: Person) -> Questions:
    from jupyter_loops.execution.child.portray import portray
    from jupyter_loops.verification.judge import RubricJudge
    from jupyter_loops.verification.rubric import rubrics

    recipe, model = world.recipe, adapters.judge or adapters.model
    approved = {ask.value for check in recipe.checks for ask in check.asks if ask.word is Word.APPROVE}
    return Questions(
        recipe=recipe,
        sandbox=adapters.sandbox,
        recorder=pace.recorder,
        judging=Judging(
            judge=RubricJudge(),
            model=model,
            ledger=pace.ledger,
            votes=options.judge_votes,
            seed=options.seed,
        ),
        desk=Desk(
            recipe=recipe,
            pace=pace,
            attendance=person.attendance(options),
            callback=person.callback,
            current={name: portray(person.namespace[name])[1] for name in approved & person.namespace.keys()},
        ),
        rubrics=rubrics(recipe, world.names),
    )


def _world(recipe: Recipe, options: Options, names: Mapping[str, object]) -> World:
    from jupyter_loops.execution.tests import digest, locate
    from jupyter_loops.language import unsupported

    for line in unsupported(recipe):
        raise PreflightError(line)
    imports = Imports.of(options.allow_imports, options.deny_imports, recipe.setup)
    tests, roots = locate(recipe)
    return World(
        recipe=recipe,
        names=names_used(recipe, names),
        offered=names,
        limits=options.limits,
        imports=imports,
        tests=tests,
        roots=roots,
        tests_digest=digest(roots),
        all_checks=options.all_checks,
    )


def _spoken_of(world: World) -> dict[str, object]:
    """The names that set-up and checks read, and those of the notebook that the goal or a docstring mentions."""
    recipe = world.recipe
    said = "\n".join([recipe.goal, *(target.doc for target in recipe.targets)])
    mentioned = set(re.findall(r"[^\W\d]\w{2,}", said)) | set(re.findall(r"`([^\W\d]\w*)`", said))
    made = {target.name for target in recipe.targets}
    others = {name: world.offered[name] for name in sorted(mentioned - made) if name in world.offered}
    return dict(world.names) | others
