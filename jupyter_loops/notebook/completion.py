"""Completion on the lines of the magics: option names, subcommands, names of runs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher

from jupyter_loops.options import Option
from jupyter_loops.options.units import choice

from . import map_words, maps_here, run_table, sql_completion
from .help_page import TOPICS
from .line import OPTIONS
from .loops_magic import CHARTS, LIMITS, LISTING, SETTINGS, SHOW, WORDS
from .model_table import ACTIONS, embedded
from .stored_magic import FORK, REPLAY_OPTIONS

_MODELS = {"model", "models", "judge", "judge_model", "fallback", "escalate"}  # options


class MagicCompleter:
    """A matcher of IPython's completer (API v2)."""

    def __init__(self, shell: Any) -> None:
        self._completer = shell.Completer
        self._shell = shell

        self._match: Any = context_matcher(identifier="jupyter_loops")(
            lambda context: self._fitting(context)  # noqa: PLW0108  # it is marked, and a method takes no marks
        )

    def install(self) -> None:
        """Register the matcher."""
        self._completer.custom_matchers.append(self._match)

    def remove(self) -> None:
        """Remove the matcher."""
        self._completer.custom_matchers.remove(self._match)

    def _fitting(self, context: CompletionContext) -> SimpleMatcherResult:
        line, cell = context.text_until_cursor, context.full_text
        if cell.lstrip().startswith("%%loop_sql"):
            lines = cell.split("\n")[: context.cursor_line]
            return _completions(line, sql_completion.fitting("\n".join([*lines, line]), cell, self._shell.user_ns))
        if line.lstrip().startswith("%loop_sql"):
            return _completions(line, sql_completion.fitting(line, line, self._shell.user_ns))
        return _completions(line, candidates(line, self._own_names()))

    def _own_names(self) -> dict[str, object]:
        """The notebook's names, without IPython's own."""
        hidden = self._shell.user_ns_hidden
        return {name: value for name, value in self._shell.user_ns.items() if name not in hidden}


def _completions(line: str, words: Iterable[str]) -> SimpleMatcherResult:
    """The words as completions. IPython replaces the word before the cursor, which for it has no `$`."""
    dollar = re.search(r"\$\w*$", line) is not None
    texts = [text.removeprefix("$") if dollar else text for text in words]
    # On these lines Python's names, files and other magics would only drown the answer.
    return {"completions": [SimpleCompletion(text=text, type="magic") for text in texts], "suppress": bool(texts)}


def candidates(text: str, namespace: Mapping[str, object] | None = None) -> list[str]:
    """What may stand at the end of `text`, a line up to the cursor; rows of a map are names of the namespace."""
    words = text.split()
    if not words or (len(words) == 1 and not text.endswith(" ")):
        return []
    token = "" if text.endswith(" ") else words[-1]
    return sorted(
        word for word in _words_at(words, len(words) - bool(token), namespace or {}) if word.startswith(token)
    )


def _words_at(words: list[str], at: int, namespace: Mapping[str, object]) -> Iterable[str]:
    """Every word that fits at a place of the line; the magic itself is at 0."""
    magic, command = words[0], words[1] if len(words) > 1 and at > 1 else ""
    before = words[at - 1]
    if magic in {"%%loop", "%loop"}:
        if before == "--over":
            return [name for name, value in namespace.items() if _is_table(name, value)]
        return _long(OPTIONS) if _written(OPTIONS, before) is None else _values(OPTIONS, before)
    if magic != "%loops":
        return []
    if at == 1:
        return WORDS
    further = {"chart": CHARTS, "model": (*ACTIONS, *embedded()), "raise-budget": _long(LIMITS), "set": _long(SETTINGS)}
    further |= {"help": (*TOPICS, *WORDS), "list": _long(LISTING)}
    further |= {"resume": _long(LIMITS), "fork": _long(FORK), "replay": _long(REPLAY_OPTIONS), "show": _long(SHOW)}
    further |= {"forget": ("--text",)}
    if values := _values({"set": SETTINGS, "list": LISTING}.get(command, ()), before):
        return values
    groups = [group.name for group in maps_here.registered()] if command in map_words.WORDS else []
    runs = [] if command in {"model", "help", "list"} else [*run_table.names(), *groups]
    return [*further.get(command, ()), *dict.fromkeys(runs)]


def _long(options: Iterable[Option]) -> list[str]:
    return [option.long for option in options]


def _values(options: Iterable[Option], written: str) -> list[str]:
    """What may follow an option, as it is written; empty where that is free."""
    option = _written(options, written)
    if option is None:
        return []
    if isinstance(option.read, choice):
        return [*option.read.names]
    return embedded() if option.name in _MODELS else []


def _written(options: Iterable[Option], written: str) -> Option | None:
    """The option that takes a value and is written so."""
    fitting = (option for option in options if option.read and written in {option.long, option.short or None})
    return next(fitting, None)


def _is_table(name: str, value: object) -> bool:
    """Whether a name of the notebook may have rows."""
    return not name.startswith("_") and hasattr(type(value), "__iter__") and not isinstance(value, str | bytes | type)
