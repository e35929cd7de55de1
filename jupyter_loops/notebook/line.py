"""The first line of a %%loop cell, read strictly: `NAME` and options."""

from __future__ import annotations

import keyword
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from unicodedata import normalize

from jupyter_loops.errors import OptionError
from jupyter_loops.nearest import nearest

from . import units

_WORD = re.compile(r"""\s*(?:\\.|"(?:\\.|[^"\\])*"|'[^']*'|[^\s"'\\])+""")
_KEY = re.compile(r"(key|Bearer)[-_ ]\S{12,}|[A-Za-z0-9_-]{40,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option of the line. Without a reader it is a flag."""

    name: str  # as a Python name; dashes on the line
    help: str
    short: str = ""
    shape: str = ""  # how its value is written in the help
    read: Callable[[str], Any] | None = None
    of: str = ""  # the option that this flag turns off
    several: bool = False  # may be given again; values with a semicolon between them

    @property
    def long(self) -> str:
        """As it is written."""
        return f"--{self.name.replace('_', '-')}"


_ISOLATION = units.choice("auto", "bubblewrap", "landlock", "container", "process")

OPTIONS = (
    Option(name="model", short="-m", shape="NAME", read=str, help="`local`, any of `%loops model`, or a LiteLLM name"),
    Option(name="api_base", shape="URL", read=str, help="address of an OpenAI-compatible server"),
    Option(name="fallback", shape="MODELS", read=units.names, help="asked in order when the model cannot answer: a,b"),
    Option(name="usd", shape="DOLLARS", read=units.or_none(units.dollars), help="most US dollars to spend"),
    Option(name="tokens", shape="COUNT", read=units.or_none(units.count), help="most tokens, prompt and answer"),
    Option(name="time", shape="TIME", read=units.or_none(units.seconds), help="longest wall-clock time, e.g. 5m"),
    Option(name="iterations", short="-n", shape="COUNT", read=units.or_none(units.count), help="most rounds"),
    Option(name="calls", shape="COUNT", read=units.or_none(units.count), help="most model calls, retries included"),
    Option(
        name="price",
        shape="IN,OUT",
        read=units.price,
        several=True,
        help="dollars for a million tokens, e.g. 3,15; MODEL=3,15 for one of several",
    ),
    Option(name="until", shape="WHEN", read=units.until, help='e.g. "Verified() | Usd(0.5) & Plateau(3)"'),
    Option(name="daily_usd", shape="DOLLARS", read=units.or_none(units.dollars), help="for all notebooks in a day"),
    Option(name="landing", shape="SHARE", read=units.fraction, help="of a limit, to land from; 1: never"),
    Option(name="patience", shape="COUNT", read=units.or_none(units.count), help="rounds without progress to allow"),
    Option(name="repeat", shape="COUNT", read=units.count, help="passes in fresh children before a result counts"),
    Option(name="all_checks", help="run every check of a layer that has failed, however long it takes"),
    Option(
        name="watchdog",
        shape="TIME",
        read=units.or_none(units.seconds),
        help="end a run that takes no step so long",
    ),
    Option(name="escalate", shape="MODELS", read=units.names, help="asked in order when the model gets stuck: a,b"),
    Option(name="adaptive", help="choose how to ask by measured gain for its cost"),
    Option(name="static", of="adaptive", help="ask by the planner's schedule alone, whatever was measured"),
    Option(name="stop_if", shape="RULE", read=str, help='over the forecast, e.g. "p < 0.05 and round >= 3"'),
    Option(name="temperature", shape="NUMBER", read=units.or_none(units.fraction), help="of the model, 0 to 2"),
    Option(name="max_tokens", shape="COUNT", read=units.or_none(units.count), help="most tokens of one answer"),
    Option(name="call_timeout", shape="TIME", read=units.or_none(units.seconds), help="for one answer, e.g. 2m"),
    Option(name="timeout", shape="TIME", read=units.seconds, help="for one candidate and its checks, e.g. 10s"),
    Option(name="setup_timeout", shape="TIME", read=units.or_none(units.seconds), help="for the set-up, e.g. 2m"),
    Option(name="memory", shape="SIZE", read=units.size, help="for one candidate, e.g. 512MB"),
    Option(name="seed", shape="NUMBER", read=units.or_none(units.seed), help="for models that take one"),
    Option(name="judge_model", shape="NAME", read=str, help="grades judge(...); without it, the same model"),
    Option(name="judge_api_base", shape="URL", read=str, help="address of the judge's server"),
    Option(name="judge_votes", shape="COUNT", read=units.count, help="how often the judge is asked; the median counts"),
    Option(name="auto_approve", help="approve(...) is true without a person"),
    Option(name="sandbox", shape="KIND", read=_ISOLATION, help="auto, bubblewrap, landlock, container or process"),
    Option(name="image", shape="NAME", read=str, help="for --sandbox container; it needs the same Python x.y"),
    Option(
        name="deliver",
        shape="HOW",
        read=units.choice("code", "sandboxed"),
        help="code or sandboxed: functions stay in the sandbox, and what is bound calls them there",
    ),
    Option(
        name="allow_imports", shape="MODULES", read=units.modules, help="all that candidates may import, e.g. math,re"
    ),
    Option(name="deny_imports", shape="MODULES", read=units.modules, help="what candidates must not import"),
    Option(
        name="history", shape="PATH", read=str, help="the DuckDB file that keeps the runs, or quack:… or ducklake:…"
    ),
    Option(name="background", short="-b", help="return the Run at once"),
    Option(name="no_raise", help="return the Run even when it is not verified"),
    Option(name="insert", help="put the produced code into a new cell below"),
    Option(name="give", shape="NAMES", read=units.names, help="secrets that candidates get all the same: a,b"),
    Option(name="keep_files", help="keep what candidates write, beside the history: run.artifacts"),
    Option(name="fresh", help="search anew, even where a verified result is stored"),
    Option(name="reuse", help="first try verified functions of the history with the same signature, at no token"),
    Option(name="recall", help="tell the model which checks failed in earlier runs of the loop"),
    Option(name="learn", help="leave up to three lessons of a verified run for later runs of the loop"),
    Option(name="tools", shape="NAMES", read=units.names, help="functions of the notebook that the model may call"),
    Option(name="tool_calls", shape="COUNT", read=units.count, help="of tools, in a round"),
    Option(name="tool_timeout", shape="TIME", read=units.or_none(units.seconds), help="for one call of a tool"),
    Option(
        name="store_prompts",
        shape="HOW",
        read=units.choice("full", "hash", "off"),
        help="full, hash or off: what is kept of what a model is asked",
    ),
    Option(
        name="context",
        shape="HOW",
        read=units.choice("fresh", "rolling"),
        help="fresh: a small carry-over each round; rolling: the newest rounds as they were, older ones in short",
    ),
    Option(name="prompt_file", shape="FILE", read=str, help="a template for prompts: [system], [user], {goal} …"),
    Option(name="over", shape="ROWS", read=str, help="a map: the loop for each `row` of a table, list, or query"),
    Option(name="key", shape="COLUMN", read=str, help="of --over: what tells rows apart; without it, the index"),
    Option(name="sample", shape="COUNT", read=units.count, help="of --over: random rows first, and a projection"),
    Option(name="yes", help="of --sample: go on after the pilot without asking, where the rest fits into the limits"),
    Option(name="concurrency", shape="COUNT", read=units.count, help="of --over: most calls in flight (default 64)"),
    Option(name="models", shape="MODELS", read=units.names, help="of --over: the next one where checks fail: a,b"),
    Option(name="resume", help="go on with an interrupted run of this cell, where there is one"),
    Option(name="dry_run", help="show the first prompt and its cost, and stop there"),
    Option(name="help", short="-h", help="show this help"),
)
MAP_OPTIONS = ("over", "key", "sample", "yes", "concurrency", "models")  # of a cell, without a default of their own


@dataclass(frozen=True, slots=True)
class Line:
    """What the first line asks for: only the options that it names."""

    name: str = ""
    options: dict[str, Any] = field(default_factory=dict)


def read_line(text: str, namespace: Mapping[str, object] | None = None) -> Line:
    """Read `NAME --option value …`; a value `$name` is taken from `namespace`. Raises OptionError."""
    words = split(text)
    name, options = "", read_options(words, OPTIONS, namespace or {})
    positional = options.pop("", [])
    if len(positional) > 1:
        raise OptionError(f"unexpected {positional[1]!r} after the loop's name; a value with spaces needs quotes")
    name = positional[0] if positional else ""
    if not name and not options.get("help"):
        raise OptionError("give the loop a name: %%loop NAME")
    if name and (not name.isidentifier() or keyword.iskeyword(name)):
        raise OptionError(f"{name!r} cannot be a name in Python, and the run is bound to it")
    return Line(normalize("NFKC", name), options)  # as Python reads a name


def read_options(words: Iterable[str], options: Iterable[Option], namespace: Mapping[str, object]) -> dict[str, Any]:
    """Option name → value, in strict reading; words that belong to no option are a list under ""."""
    by_word = {word: option for option in options for word in (option.long, option.short) if word}
    values: dict[str, Any] = {}
    remaining = iter(words)
    for word in remaining:
        if not word.startswith("-"):
            _refuse_key(word)
            values.setdefault("", []).append(word)
            continue
        head, equals, value = word.partition("=")
        option = _option(head, by_word)
        name, on = option.of or option.name, not option.of
        if name in values and not option.several:
            raise OptionError(f"{option.long} is given twice, or taken back by another option")
        if option.read is None and equals:
            raise OptionError(f"{option.long} takes no value")
        parsed = on if option.read is None else _value(option, value if equals else remaining, namespace)
        values[name] = f"{values[name]};{parsed}" if name in values else parsed
    return values


def split(text: str) -> list[str]:
    """The words of a line, without a remark at its end. Raises OptionError."""
    try:
        return shlex.split(_without_remark(text))
    except ValueError as error:
        raise OptionError(f"the line cannot be read: {str(error).lower()}") from None


def _without_remark(text: str) -> str:
    """The line up to a word that begins with `#` outside of quotes."""
    for word in _WORD.finditer(text):
        if word[0].lstrip().startswith("#"):
            return text[: word.start()]
    return text


def _option(word: str, by_word: Mapping[str, Option]) -> Option:
    if word in by_word:
        return by_word[word]
    if "key" in word or "token" in word.partition("_")[2]:
        raise OptionError("keys do not belong into a notebook: set the provider's environment variable")
    raise OptionError(f"unknown option {word[:40]}{nearest(word, by_word)}")


def _value(option: Option, source: str | Iterator[str], namespace: Mapping[str, object]) -> Any:
    assert option.read is not None
    text = source if isinstance(source, str) else next(source, "")
    if not text or (text.startswith("-") and not isinstance(source, str)):
        raise OptionError(f"{option.long} needs a value: {option.long} {option.shape}")
    if text.startswith("$") and text[1:].isidentifier():
        if text[1:] not in namespace:
            raise OptionError(
                f"{option.long} got {text}, and nothing is called {text[1:]}{nearest(text[1:], namespace)}"
            )
        text = str(namespace[text[1:]])
    _refuse_key(text)
    try:
        return option.read(text)
    except ValueError as error:
        raise OptionError(f"{option.long} got {text[:40]!r}, expected {error}") from None


def _refuse_key(text: str) -> None:
    from jupyter_loops.core.redaction import MARK, redact

    if _KEY.fullmatch(text) or redact(text).startswith(MARK):
        raise OptionError("that looks like an API key; keys come from the environment, never from a notebook")
