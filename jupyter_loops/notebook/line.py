"""The first line of a %%loop cell, read strictly: `NAME` and options."""

from __future__ import annotations

import keyword
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from unicodedata import normalize

from jupyter_loops.errors import OptionError
from jupyter_loops.nearest import nearest
from jupyter_loops.options import OPTION_SPECS, units
from jupyter_loops.options.option_spec import Option, notice

_WORD = re.compile(r"""\s*(?:\\.|"(?:\\.|[^"\\])*"|'[^']*'|[^\s"'\\])+""")
_ROWS = re.compile(r"""(?<!\S)--over(?:\s+|=)(?=[^\s"'$-])""")  # an expression follows, and no text in quotes
_PIECE = re.compile(r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|.""", re.DOTALL)
_KEY = re.compile(r"(key|Bearer)[-_ ]\S{12,}|[A-Za-z0-9_-]{40,}")


OPTIONS = (
    *OPTION_SPECS,
    Option(name="background", short="-b", help="return the Run at once"),
    Option(name="no_raise", help="return the Run even when it is not verified"),
    Option(name="insert", help="put the produced code into a new cell below"),
    Option(
        name="over",
        shape="ROWS",
        read=str,
        group="map",
        help="a map: the loop for each `row` of a table, list, or query",
    ),
    Option(
        name="key",
        shape="COLUMN",
        read=str,
        group="map",
        help="of --over: what tells rows apart; without it, the index",
    ),
    Option(
        name="sample",
        shape="COUNT",
        read=units.count,
        group="map",
        help="of --over: random rows first, and a projection",
    ),
    Option(
        name="yes",
        group="map",
        help="of --sample: go on after the pilot without asking, where the rest fits into the limits",
    ),
    Option(
        name="concurrency",
        shape="COUNT",
        read=units.count,
        group="map",
        help="of --over: most calls in flight (default 64)",
    ),
    Option(
        name="models",
        shape="MODELS",
        read=units.names,
        group="map",
        help="of --over: the next one where checks fail: a,b",
    ),
    Option(
        name="parallel",
        shape="COUNT",
        read=units.count,
        group="map",
        help="attempts side by side (by --models in turn)",
    ),
    Option(name="share", group="map", help="of --parallel: attempts tell each other what failed"),
    Option(name="dry_run", help="show the first prompt and its cost, and stop there"),
    Option(name="help", short="-h", help="show this help"),
)
MAP_OPTIONS = ("over", "key", "sample", "yes", "concurrency", "models")  # of a cell, without a default of their own
ATTEMPT_OPTIONS = ("parallel", "models", "share")  # same
_LATER = {
    "--cluster": "--cluster is not available: a map runs in this kernel, with as many calls at once as the model takes",
    "--batch": "--batch is not available: no provider's batch interface is used; --over sends calls one by one",
}


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
    by_word = {word: option for option in options for word in (option.long, option.short, option.former) if word}
    values: dict[str, Any] = {}
    remaining = iter(words)
    for word in remaining:
        if not word.startswith("-"):
            _refuse_key(word)
            values.setdefault("", []).append(word)
            continue
        head, equals, value = word.partition("=")
        option = _option(head, by_word)
        if head == option.former:
            notice(head, option.long)
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
        return shlex.split(_rows_quoted(_without_remark(text)))
    except ValueError as error:
        raise OptionError(f"the line cannot be read: {str(error).lower()}") from None


def _rows_quoted(text: str) -> str:
    """The line with Python's expression behind --over in quotes: its own quotes and the spaces in brackets are its."""
    found = _ROWS.search(text)
    if found is None:
        return text
    depth, end = 0, len(text)
    for piece in _PIECE.finditer(text, found.end()):
        depth += (piece[0] in "([{") - (piece[0] in ")]}")
        if depth <= 0 and piece[0].isspace():
            end = piece.start()
            break
    return f"{text[: found.end()]}{shlex.quote(text[found.end() : end])}{text[end:]}"


def _without_remark(text: str) -> str:
    """The line up to a word that begins with `#` outside of quotes."""
    for word in _WORD.finditer(text):
        if word[0].lstrip().startswith("#"):
            return text[: word.start()]
    return text


def _option(word: str, by_word: Mapping[str, Option]) -> Option:
    if word in by_word:
        return by_word[word]
    if word in _LATER:
        raise OptionError(_LATER[word])
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
