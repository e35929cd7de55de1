"""The options of the %%loop line, as a value."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from jupyter_loops.core.budget import Budget, Price
from jupyter_loops.core.candidate import Limits
from jupyter_loops.core.condition import Condition
from jupyter_loops.core.forecast import StopIf
from jupyter_loops.engine.prompt_retention import PromptRetention
from jupyter_loops.errors import OptionError
from jupyter_loops.nearest import nearest

from .prices import Prices

_POSITIVE = (
    "daily_usd",
    *("usd", "tokens", "time", "iterations", "calls", "patience", "repeat", "watchdog"),
    *("tool_calls", "tool_timeout", "max_tokens", "call_timeout", "timeout", "setup_timeout", "memory", "judge_votes"),
)
DEFAULT_MODEL = "local"
MODEL_VARIABLE = "JUPYTER_LOOPS_MODEL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of a loop. The same names as on the %%loop line; None means no limit, or the default."""

    model: str | None = None  # None: JUPYTER_LOOPS_MODEL, then the embedded model
    api_base: str | None = None  # of an OpenAI-compatible server
    fallback: tuple[str, ...] = ()  # models that are asked, in this order, when the first cannot answer
    usd: float | None = 1.0
    tokens: int | None = None
    time: float | None = 600.0  # seconds
    iterations: int | None = 10
    calls: int | None = None  # to models; retries are calls
    price: str | Price | None = None  # None: the provider's list; "in,out" in $ for a million tokens, MODEL=in,out;…
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
    adaptive: bool = True  # choose how to ask by what was measured; --static: by the planner's schedule alone
    stop_if: str | None = None  # a rule over the forecast that ends the run: "p < 0.05"
    reuse: bool = False  # first try verified functions of the history with the same signature
    recall: bool = False  # tell the model which checks failed in earlier runs of the loop
    learn: bool = False  # leave up to three lessons of a verified run for later runs of the loop
    fresh: bool = False  # search anew even where a verified candidate is stored
    tools: tuple[str, ...] = ()  # functions of the notebook that the planner may call, besides the cell's `@tool`s
    tool_calls: int = 10  # in a round
    tool_timeout: float | None = 60.0  # seconds for one call of a tool; None: as long as the run
    store_prompts: str = "full"  # what is kept of what a model is asked: full, hash, off
    context: str = "fresh"  # fresh: a small carry-over; rolling: the newest rounds as they were, older ones in short
    prompt_file: str | None = None  # a template that puts the parts of a prompt into messages
    resume: bool = False  # go on with an interrupted run of the same cell, where there is one
    judge_model: str | None = None  # grades `judge(...)`; None: the same model
    judge_api_base: str | None = None
    judge_votes: int = 1  # the median decides
    auto_approve: bool = False  # `approve(...)` is true without a person
    sandbox: str = "auto"  # bubblewrap, landlock, container, process
    image: str | None = None  # of a container
    deliver: str = "code"  # sandboxed: functions stay in the sandbox, and what is bound calls them there
    allow_imports: Sequence[str] | None = None  # modules that candidates may import, and those of the set-up; None: all
    deny_imports: Sequence[str] = ()
    give: tuple[str, ...] = ()  # names of the notebook that are handed over although they hold secrets
    keep_files: bool = False  # what candidates write, beside the history; see run.artifacts
    history: str | None = None  # the DuckDB file, or the address of a team's history: history/address.py

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Options:
        """The options with these names. Raises OptionError, which names the nearest one that there is."""
        return cls(**cls.checked(values))

    @classmethod
    def checked(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """The values, where each of their names is an option's. Raises OptionError."""
        names = [option.name for option in fields(cls)]
        if unknown := sorted(values.keys() - set(names)):
            raise OptionError(f"no option is called {unknown[0]}{nearest(unknown[0], names)}")
        return values

    def __post_init__(self) -> None:
        for name in _POSITIVE:
            _check_positive(name, getattr(self, name))
        if not 0 < self.landing <= 1:
            raise OptionError(f"--landing must be more than 0 and at most 1, got {self.landing:g}")
        _ = self.prices, self.condition, self.rule  # are checked here
        if self.store_prompts not in set(PromptRetention):
            raise OptionError(f"--store-prompts got {self.store_prompts!r}, expected full, hash or off")
        if self.context not in {"fresh", "rolling"}:
            raise OptionError(f"--context got {self.context!r}, expected fresh or rolling")
        if self.deliver not in {"code", "sandboxed"}:
            raise OptionError(f"--deliver got {self.deliver!r}, expected code or sandboxed")
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
    def prices(self) -> Prices:
        """The prices that a person gave. Raises OptionError."""
        if not isinstance(self.price, str):
            return Prices(self.price)
        try:
            return Prices.read(self.price)
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


def _check_positive(name: str, value: object) -> None:
    """Raise OptionError where the value is neither None nor a number above zero."""
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        seconds = "time" in name or name == "watchdog"
        unit = " of seconds" if seconds else " of bytes" if name == "memory" else ""
        raise OptionError(f"{name} takes a number{unit}, got {value!r}; units are for the line of %%loop")
    if not value > 0:
        raise OptionError(f"--{name.replace('_', '-')} must be more than 0, got {value:g}")
