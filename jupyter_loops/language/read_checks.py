"""Reads the statements that decide whether a candidate is right."""

from __future__ import annotations

import ast
from collections.abc import Set as AbstractSet

from jupyter_loops.core.names import reads
from jupyter_loops.core.recipe import Check, CheckKind
from jupyter_loops.errors import CellError

from . import rules
from .forms import decides, holds_assert, is_test
from .source import Source, single_line
from .stubs import Function

_OUTSIDE = {"approve", "judge", "seconds"}  # words that only a check may use
_LONGEST = 80  # characters of the name of a compound statement


def read_check(source: Source, statement: ast.stmt, tainted: AbstractSet[str], read: AbstractSet[str]) -> Check | None:
    """The check that a statement is, if it is one. Raises CellError.

    `tainted` are the names that depend on a target. `read` are the names that the cell reads. A test function that the
    cell calls is no check of its own: the call is the check.
    """
    line, text = source.line(statement), source.segment(statement)
    if isinstance(statement, ast.Assert):
        if isinstance(statement.test, ast.Tuple) and statement.test.elts:
            raise CellError("an assert of a tuple is always true: take the parentheses away", line)
        return Check(name=single_line(source.segment(statement.test)), source=text, line=line)
    if score := rules.score(statement):
        word, value = score
        return Check(name=single_line(source.segment(value)), source=text, kind=CheckKind(word), line=line)
    if isinstance(statement, Function) and is_test(statement):
        return None if statement.name in read else _test(statement, text, line)
    if holds_assert(statement) or (reads(statement) & (tainted | _OUTSIDE) and _decides(statement)):
        return Check(name=_name(statement, text), source=text, line=line)
    return None


def _test(node: Function, text: str, line: int) -> Check:
    call = f"await {node.name}()" if isinstance(node, ast.AsyncFunctionDef) else f"{node.name}()"
    return Check(name=node.name, source=f"{text}\n{call}", line=line)


def _decides(statement: ast.stmt) -> bool:
    """Whether this is an assertion in another form, or the call of a test function."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    called = call.func if isinstance(call, ast.Call) else None
    return decides(statement) or (isinstance(called, ast.Name) and called.id.startswith("test_"))


def _name(statement: ast.stmt, text: str) -> str:
    """The full statement if it is short and not a block of several; otherwise its first line."""
    body = getattr(statement, "body", [])
    full_name = single_line(text)
    short = len(full_name) <= _LONGEST and not holds_assert(statement) and len(body) <= 1
    return full_name if short or not body else text.partition("\n")[0].strip()
