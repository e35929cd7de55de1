"""Python text in an answer: whether it parses, what it binds, and what of it can be saved."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

from jupyter_loops.core.examples import lines_of
from jupyter_loops.core.names import binds, wants
from jupyter_loops.core.syntax_tree import parse_module

from .patience import afford
from .template import UNSEEN

START = re.compile(
    r"^[ \t]*(?:(?:async +)?def +\w|class +\w|import +\w|from +[\w.]+ +import\b|@\w|\w+(?:: ?\S.*?)? = "
    r"|(?:if|for|while|with|try|else|elif|except|finally)\b.*:[ \t]*$)",
    re.MULTILINE,
)
_MAGIC = re.compile(r"^[ \t]*(?:%%?[A-Za-z]|!\w).*$", re.MULTILINE)
_NO_BREAK = re.compile(r"^[ \t\u00a0]*\u00a0[ \t\u00a0]*", re.MULTILINE)
_PROMPT = re.compile(r"^(?:>>>|\.\.\.)(?: |$)")
_DEFINED = re.compile(r"(?:@.*\n)*(?:async +)?(?:def|class) +(\w+)|(\w+) *[:=]")
_STEPS = 8  # statements that are given up, one by one, to save what stands before them


@dataclass(frozen=True)
class Code:
    """Text that parses, and its statements."""

    text: str
    body: list[ast.stmt]

    @cached_property
    def wanted(self) -> set[str]:
        """The names that it needs to exist beforehand."""
        return wants(self.body, afford)

    @cached_property
    def bound(self) -> set[str]:
        """The names that it binds at its top level."""
        return {name for node in self.body if not _is_bare(node) for name in bound_by(node)}


def code(text: str) -> Code | None:
    """The text as Python, freed of an indentation or of interpreter prompts where it parses only so."""
    text = text.lstrip(UNSEEN)
    if isinstance(body := _parsed(text), list):
        return Code(text, body)
    start = text.lstrip("\r\n")
    if start.lstrip(" \t").startswith(">>>"):
        other = _session(text)
    else:
        other = _dedented(text) if start[:1] in " \t" else _plain(text)
    return Code(other, body) if other and isinstance(body := _parsed(other), list) else None


def fault(text: str) -> SyntaxError:
    """Why the text does not parse."""
    result = _parsed(text)
    return result if isinstance(result, SyntaxError) else SyntaxError("it is no Python text")


def breaks_off(text: str) -> bool:
    """Whether the text ends inside a string in triple quotes."""
    return "unterminated triple-quoted" in str(fault(text))


def salvaged(text: str, names: Collection[str], *, unfinished: bool) -> Code | None:
    """The statements that bind all names, before what does not parse.

    That may be prose, or, in a text that was cut, one last statement that the others do not need.
    """
    lines, line = lines_of(text), fault(text).lineno or 1
    tops = [n for n, source_line in enumerate(lines[:line]) if source_line.strip() and source_line[0] not in " \t)]}#"]
    for top in tops[: -_STEPS - 1 : -1]:
        head, tail = "".join(lines[:top]), "".join(lines[top:])
        if not START.search(tail) or (unfinished and _is_single_statement(lines[top:]) and not _is_needed(head, tail)):
            salvage = code(head)
            if salvage and set(names) <= salvage.bound:
                return salvage
    return None


def _parsed(text: str) -> list[ast.stmt] | Exception:
    afford()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python warns again, where the code runs
            return parse_module(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
        return error


def bound_by(node: ast.stmt) -> Collection[str]:
    """The names that a statement binds."""
    afford()
    return binds(node)


def _is_bare(node: ast.stmt) -> bool:
    return isinstance(node, ast.AnnAssign) and node.value is None


def _plain(text: str) -> str:
    """Without what a notebook takes and Python does not: magics, shell commands, spaces that do not break."""
    spaced = _NO_BREAK.sub(lambda margin: margin[0].replace("\u00a0", " "), text)
    plain = _MAGIC.sub("", spaced)
    return plain if plain != text else ""


def _session(text: str) -> str:
    """What was typed at the prompts."""
    lines = (line.lstrip(" \t") for line in lines_of(text))
    return "".join(_PROMPT.sub("", line, count=1) for line in lines if _PROMPT.match(line))


def _dedented(text: str) -> str:
    """The text without the indentation of its first line, where a line has it."""
    lines = lines_of(text)
    first = next((line for line in lines if line.strip()), "")
    margin = first[: len(first) - len(first.lstrip(" \t"))]
    return "".join(line.removeprefix(margin) for line in lines)


def _is_single_statement(lines: list[str]) -> bool:
    """Whether the lines are one statement, its decorators included."""
    tops = [line for line in lines if line.strip() and line[0] not in " \t)]}#@"]
    return len(tops) <= 1


def _is_needed(head: str, tail: str) -> bool:
    defined = _DEFINED.match(tail)
    name = defined and (defined[1] or defined[2])
    return bool(name) and re.search(rf"\b{name}\b", head) is not None
