"""Verified functions of the history under the name that a cell asks for."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterable
from typing import TYPE_CHECKING

from jupyter_loops.core.recipe import Target, TargetKind
from jupyter_loops.core.syntax_tree import parse_module

if TYPE_CHECKING:
    from jupyter_loops.history.loop_memories import VerifiedCode

MOST = 3  # functions that are tried


def reusable(targets: tuple[Target, ...], codes: Iterable[VerifiedCode]) -> list[str]:
    """Codes whose function has the signature of the only target, renamed to it; none for anything but one function."""
    if len(targets) != 1 or targets[0].kind is not TargetKind.FUNCTION:
        return []
    found = dict.fromkeys(text for code in codes if (text := _fitting(targets[0], code)))
    return list(found)[:MOST]


def _fitting(target: Target, code: VerifiedCode) -> str:
    """The code with the target's name; empty where its function has another signature."""
    from jupyter_loops.verification.signature_match import mismatch

    try:
        body = parse_module(code.text).body
        definition = next((node for node in body if getattr(node, "name", "") == code.target), None)
        if not isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef) or mismatch(target, definition):
            return ""
        return _renamed(code.text, code.target, target.name)
    except (SyntaxError, ValueError, RecursionError, tokenize.TokenError):
        return ""


def _renamed(text: str, old: str, new: str) -> str:
    """The code with one name instead of another; empty where it has that name already."""
    if old == new:
        return text
    lines, places = text.splitlines(keepends=True), list[tuple[int, int]]()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME and token.string == new:
            return ""
        if token.type == tokenize.NAME and token.string == old:
            places.append((token.start[0] - 1, token.start[1]))
    for row, column in reversed(places):
        line = lines[row]
        lines[row] = line[:column] + new + line[column + len(old) :]
    return "".join(lines)
