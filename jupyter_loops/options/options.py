"""The options of the %%loop line, as a value."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from jupyter_loops.errors import OptionError
from jupyter_loops.nearest import nearest

from . import units
from .option_spec import Option, notice, option, specs

if TYPE_CHECKING:  # the extension reads the options when it is loaded, and nothing heavier
    from jupyter_loops.core.budget import Budget, Price
    from jupyter_loops.core.candidate import Limits
    from jupyter_loops.core.condition import Condition
    from jupyter_loops.core.forecast import StopIf

    from .prices import Prices

DEFAULT_MODEL = "local"
MODEL_VARIABLE = "JUPYTER_LOOPS_MODEL"
CONTEXTS = ("fresh", "rolling")
STORED_PROMPTS = ("full", "hash", "off")  # engine.prompt_retention
_DELIVERIES = ("code", "sandboxed")
_CHOICES = {"store_prompts": STORED_PROMPTS, "context": CONTEXTS, "deliver": _DELIVERIES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of a loop. The same names as on the %%loop line; None means no limit, or the default.

    A time is in seconds, `memory` in bytes. Each field is the one declaration of its option: option_spec.py.
    """

    model: str | None = option(
        None, "`local`, any of `%loops model`, or a LiteLLM name", "model", short="-m", shape="NAME", read=str
    )
    api_base: str | None = option(None, "address of an OpenAI-compatible server", "model", shape="URL", read=str)
    fallback: tuple[str, ...] = option(
        (), "asked in order when the model cannot answer: a,b", "model", shape="MODELS", read=units.names
    )
    escalate: tuple[str, ...] = option(
        (), "asked in order when the model gets stuck: a,b", "model", shape="MODELS", read=units.names
    )
    adaptive: bool = option(
        True,
        "choose how to ask by measured gain for its cost",
        "model",
        off=("static", "ask by the planner's schedule alone, whatever was measured"),
    )
    temperature: float | None = option(
        None, "of the model, 0 to 2", "model", shape="NUMBER", read=units.or_none(units.fraction)
    )
    max_tokens: int | None = option(
        None, "most tokens of one answer", "model", shape="COUNT", read=units.or_none(units.count), positive=True
    )
    context: str = option(
        "fresh",
        "fresh: a small carry-over each round; rolling: the newest rounds as they were, older ones in short",
        "model",
        shape="HOW",
        read=units.choice(*CONTEXTS),
    )
    prompt_file: str | None = option(
        None, "a template for prompts: [system], [user], {goal} …", "model", shape="FILE", read=str
    )
    call_timeout: float | None = option(
        None, "for one answer, e.g. 2m", "model", shape="TIME", read=units.or_none(units.seconds), positive=True
    )
    seed: int | None = option(None, "for models that take one", "model", shape="NUMBER", read=units.or_none(units.seed))
    tools: tuple[str, ...] = option(
        (), "functions of the notebook that the model may call", "model", shape="NAMES", read=units.names
    )
    tool_calls: int = option(10, "of tools, in a round", "model", shape="COUNT", read=units.count, positive=True)
    tool_timeout: float | None = option(
        60.0, "for one call of a tool", "model", shape="TIME", read=units.or_none(units.seconds), positive=True
    )
    price: str | Price | None = option(  # noqa: RUF009  # a field
        None,
        "dollars for a million tokens, e.g. 3,15; MODEL=3,15 for one of several",
        "model",
        shape="IN,OUT",
        read=units.price,
        several=True,
    )
    usd: float | None = option(
        1.0, "most US dollars to spend", "limits", shape="DOLLARS", read=units.or_none(units.dollars), positive=True
    )
    tokens: int | None = option(
        None, "most tokens, prompt and answer", "limits", shape="COUNT", read=units.or_none(units.count), positive=True
    )
    time: float | None = option(
        600.0,
        "longest wall-clock time, e.g. 5m",
        "limits",
        shape="TIME",
        read=units.or_none(units.seconds),
        positive=True,
    )
    iterations: int | None = option(
        10, "most rounds", "limits", short="-n", shape="COUNT", read=units.or_none(units.count), positive=True
    )
    calls: int | None = option(
        None,
        "most model calls, retries included",
        "limits",
        shape="COUNT",
        read=units.or_none(units.count),
        positive=True,
    )
    until: str | Condition | None = option(  # noqa: RUF009  # a field
        None, 'e.g. "Verified() | Usd(0.5) & Plateau(3)"', "limits", shape="WHEN", read=units.until
    )
    daily_usd: float | None = option(
        None, "for all notebooks in a day", "limits", shape="DOLLARS", read=units.or_none(units.dollars), positive=True
    )
    reserve_final: float = option(
        0.8,
        "share of a limit from which on one final answer is reserved for; 1: never",
        "limits",
        shape="SHARE",
        read=units.fraction,
        formerly="landing",
    )
    ask_at: float | None = option(
        None,
        "share of a limit from which on a person is asked",
        "limits",
        shape="SHARE",
        read=units.or_none(units.fraction),
    )
    patience: int | None = option(
        None,
        "rounds without progress to allow",
        "limits",
        shape="COUNT",
        read=units.or_none(units.count),
        positive=True,
    )
    stop_if: str | None = option(
        None, 'over the forecast, e.g. "p < 0.05 and round >= 3"', "limits", shape="RULE", read=str
    )
    watchdog: float | None = option(
        300.0,
        "end a run that takes no step so long",
        "limits",
        shape="TIME",
        read=units.or_none(units.seconds),
        positive=True,
    )
    repeat: int = option(
        1,
        "passes in fresh children before a result counts",
        "verification",
        shape="COUNT",
        read=units.count,
        positive=True,
    )
    all_checks: bool = option(
        False, "run every check of a layer that has failed, however long it takes", "verification"
    )
    judge_model: str | None = option(
        None, "grades judge(...); without it, the same model", "verification", shape="NAME", read=str
    )
    judge_api_base: str | None = option(None, "address of the judge's server", "verification", shape="URL", read=str)
    judge_votes: int = option(
        1,
        "how often the judge is asked; the median counts",
        "verification",
        shape="COUNT",
        read=units.count,
        positive=True,
    )
    auto_approve: bool = option(False, "approve(...) is true without a person", "verification")
    timeout: float = option(
        10.0, "for one candidate and its checks, e.g. 10s", "sandbox", shape="TIME", read=units.seconds, positive=True
    )
    setup_timeout: float | None = option(
        120.0, "for the set-up, e.g. 2m", "sandbox", shape="TIME", read=units.or_none(units.seconds), positive=True
    )
    memory: int = option(
        2 * 1024**3, "for one candidate, e.g. 512MB", "sandbox", shape="SIZE", read=units.size, positive=True
    )
    sandbox: str = option(
        "auto",
        "auto, bubblewrap, landlock, container or process",
        "sandbox",
        shape="KIND",
        read=units.choice("auto", "bubblewrap", "landlock", "container", "process"),
    )
    image: str | None = option(
        None, "for --sandbox container; it needs the same Python x.y", "sandbox", shape="NAME", read=str
    )
    deliver: str = option(
        "code",
        "code or sandboxed: functions stay in the sandbox, and what is bound calls them there",
        "sandbox",
        shape="HOW",
        read=units.choice(*_DELIVERIES),
    )
    allow_imports: Sequence[str] | None = option(
        None, "all that candidates may import, e.g. math,re", "sandbox", shape="MODULES", read=units.modules
    )
    deny_imports: Sequence[str] = option(
        (), "what candidates must not import", "sandbox", shape="MODULES", read=units.modules
    )
    give: tuple[str, ...] = option(
        (), "secrets that candidates get all the same: a,b", "sandbox", shape="NAMES", read=units.names
    )
    history: str | None = option(
        None, "the DuckDB file that keeps the runs, or quack:… or ducklake:…", "history", shape="PATH", read=str
    )
    fresh: bool = option(False, "search anew, even where a verified result is stored", "history")
    reuse: bool = option(
        False, "first try verified functions of the history with the same signature, at no token", "history"
    )
    recall: bool = option(False, "tell the model which checks failed in earlier runs of the loop", "history")
    learn: bool = option(False, "leave up to three lessons of a verified run for later runs of the loop", "history")
    resume: bool = option(False, "go on with an interrupted run of this cell, where there is one", "history")
    store_prompts: str = option(
        "full",
        "full, hash or off: what is kept of what a model is asked",
        "history",
        shape="HOW",
        read=units.choice(*STORED_PROMPTS),
    )
    keep_files: bool = option(False, "keep what candidates write, beside the history: run.artifacts", "history")

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Options:
        """The options with these names. Raises OptionError, which names the nearest one that there is."""
        return cls(**cls.checked(values))

    @classmethod
    def checked(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """The values under the names of today. Raises OptionError where one is no option's."""
        names = [declared.name for declared in fields(cls)]
        for name in values.keys() & FORMER.keys():
            notice(name, FORMER[name])
        today = {FORMER.get(name, name): value for name, value in values.items()}
        if unknown := sorted(today.keys() - set(names)):
            raise OptionError(f"no option is called {unknown[0]}{nearest(unknown[0], names)}")
        return today

    def __post_init__(self) -> None:
        for spec in OPTION_SPECS:
            if spec.positive:
                _check_positive(spec.name, getattr(self, spec.name))
        self._check_shares()
        _ = self.prices, self.condition, self.rule  # are checked here
        for name, choices in _CHOICES.items():
            if (value := getattr(self, name)) not in choices:
                written = f"{', '.join(choices[:-1])} or {choices[-1]}"
                raise OptionError(f"--{name.replace('_', '-')} got {value!r}, expected {written}")
        if self.temperature is not None and not 0 <= self.temperature <= 2:  # noqa: PLR2004  # the providers' range
            raise OptionError(f"--temperature must lie between 0 and 2, got {self.temperature:g}")

        if self.image is not None and self.sandbox not in {"auto", "container"}:
            raise OptionError(f"--image is for --sandbox container, and this is --sandbox {self.sandbox}")
        for name in ("allow_imports", "deny_imports"):
            if isinstance(getattr(self, name), str):
                raise OptionError(f"{name} is a list of module names, such as ['math', 're']")

    def _check_shares(self) -> None:
        if not 0 < self.reserve_final <= 1:
            raise OptionError(f"--reserve-final must be more than 0 and at most 1, got {self.reserve_final:g}")
        if self.ask_at is not None and not 0 < self.ask_at < 1:
            raise OptionError(f"--ask-at must be more than 0 and less than 1, got {self.ask_at:g}")

    @property
    def chosen_model(self) -> str:
        """The model's name: never a paid one by surprise."""
        return self.model or os.environ.get(MODEL_VARIABLE) or DEFAULT_MODEL

    @property
    def budget(self) -> Budget:
        """The limits of the run; a condition that is a limit is one of them."""
        from jupyter_loops.core.budget import Budget

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
        from .prices import Prices

        if not isinstance(self.price, str):
            return Prices(self.price)
        try:
            return Prices.read(self.price)
        except ValueError as error:
            raise OptionError(f"--price got {self.price[:40]!r}, expected {error}") from None

    @property
    def rule(self) -> StopIf | None:
        """`stop_if`, read. Raises OptionError."""
        from jupyter_loops.core.forecast import StopIf

        try:
            return None if self.stop_if is None else StopIf(self.stop_if)
        except ValueError as error:
            raise OptionError(f"--stop-if got {self.stop_if!r:.60}, expected {error}") from None

    @property
    def limits(self) -> Limits:
        """The limits of one candidate."""
        from jupyter_loops.core.candidate import Limits

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


OPTION_SPECS: tuple[Option, ...] = tuple(spec for declared in fields(Options) for spec in specs(declared))
FORMER = {spec.formerly: spec.name for spec in OPTION_SPECS if spec.formerly}  # in calls and histories of before
