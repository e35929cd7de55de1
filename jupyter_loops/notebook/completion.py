"""Completion on the lines of our magics: option names, subcommands, names of runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher

from . import runs
from .line import OPTIONS
from .loops_magic import CHARTS, FORK_OPTIONS, LIMITS, SETTINGS, WORDS
from .query import SQL_OPTIONS


class Completion:
    """A matcher of IPython's completer (API v2)."""

    def __init__(self, shell: Any) -> None:
        self._completer = shell.Completer

        self._match: Any = context_matcher(identifier="jupyter_loops")(_match)

    def install(self) -> None:
        """Start to be asked."""
        self._completer.custom_matchers.append(self._match)

    def remove(self) -> None:
        """Not any more."""
        self._completer.custom_matchers.remove(self._match)


def _match(context: CompletionContext) -> SimpleMatcherResult:
    found = candidates(context.text_until_cursor)
    return {"completions": [SimpleCompletion(text=text, type="magic") for text in found]}


def candidates(text: str) -> list[str]:
    """What may stand at the end of `text`, a line up to the cursor."""
    words = text.split()
    if not words or (len(words) == 1 and not text.endswith(" ")):
        return []
    token = "" if text.endswith(" ") else words[-1]
    return sorted(word for word in _known(words, at=len(words) - bool(token)) if word.startswith(token))


def _known(words: list[str], at: int) -> Iterable[str]:
    """Every word that fits at a place of the line; the magic itself is at 0."""
    magic, command = words[0], words[1] if len(words) > 1 and at > 1 else ""
    if magic in {"%%loop", "%loop"}:
        return [option.long for option in OPTIONS]
    if magic in {"%%loop_sql", "%loop_sql"}:
        return [option.long for option in SQL_OPTIONS]
    if magic != "%loops":
        return []
    if at == 1:
        return WORDS
    further = {"chart": CHARTS, "model": ("fetch",), "raise-budget": LIMITS, "set": SETTINGS}
    further |= {"resume": LIMITS, "fork": FORK_OPTIONS, "forget": ("--text",)}
    return [*further.get(command, ()), *(() if command in {"model", "help", "list"} else runs.names())]
