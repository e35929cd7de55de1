"""Recognizes the forms of statements, and checks where the words of the cell language belong."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from jupyter_loops.core.names import binds, reads
from jupyter_loops.errors import CellError

from .forms import decides, is_named_as_test, is_test
from .source import Source
from .stubs import Function, is_prompt, is_stub, is_tool
from .words import WORDS

_PLACES = {
    "hidden": "stands alone in a top-level `with hidden:`",
    "tool": "is a decorator of a top-level def",
    "maximize": "is a top-level statement with one expression: `maximize(expr)`",
    "minimize": "is a top-level statement with one expression: `minimize(expr)`",
    "judge": "belongs in an assert",
    "approve": "belongs in an assert",
    "seconds": "belongs in an assert, maximize or minimize",
}


def is_hidden(node: ast.stmt) -> bool:
    """Whether the statement is a `with hidden:` block."""
    if not isinstance(node, ast.With) or len(node.items) != 1 or node.items[0].optional_vars:
        return False
    context = node.items[0].context_expr
    return isinstance(context, ast.Name) and context.id == "hidden"


def score(node: ast.stmt) -> tuple[str, ast.expr] | None:
    """The word and the expression of `maximize(expr)` or `minimize(expr)`."""
    call = node.value if isinstance(node, ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        return None
    if call.func.id not in {"maximize", "minimize"} or call.keywords or len(call.args) != 1:
        return None
    return None if isinstance(call.args[0], ast.Starred) else (call.func.id, call.args[0])


def may_hide(source: Source, node: ast.stmt) -> None:
    """Raise CellError for a statement that has no meaning in a hidden block."""
    line = source.line(node)
    if score(node):
        raise CellError("a score is not hidden: put maximize or minimize at the top level", line)
    if isinstance(node, ast.AnnAssign) and node.value is None:
        raise CellError("a target belongs at the top level, not in `with hidden:`", line)
    if is_stub(node) or is_tool(node) or is_prompt(node):
        what = "an @prompt" if is_prompt(node) else "a target or tool"
        raise CellError(f"{what} belongs at the top level, not in `with hidden:`", line)


def words(source: Source) -> None:
    """Raise CellError for a word of the cell language that is misplaced, or used as another name."""
    for node in _flat(source.statements):
        line = source.line(node)
        imported = isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "jupyter_loops"
        if not imported and (clashes := binds(node) & set(WORDS)):
            raise CellError(f"`{min(clashes)}` is a word of the cell language; give yours another name", line)
        if stray := _misplaced(node):
            raise CellError(f"`{min(stray)}` {_PLACES[min(stray)]}", line)


def no_target(source: Source, statements: Sequence[ast.stmt]) -> CellError:
    """Explain how to state a target. The most common mistake is a def that already has a body."""
    how = "add a stub such as `def slugify(text: str) -> str: ...`, or a bare annotation such as `answer: str`"
    for node in statements:
        if isinstance(node, Function) and not (is_tool(node) or is_prompt(node) or is_named_as_test(node)):
            text = f"nothing to produce: `{node.name}` has a body, so it is set-up; leave its body empty, or {how}"
            return CellError(text, source.line(node))
        if isinstance(node, ast.ClassDef) and any(isinstance(part, Function) for part in node.body):
            text = f"nothing to produce: `{node.name}` is set-up; for a class to be written leave all its methods empty"
            return CellError(text, source.line(node))
    return CellError(f"nothing to produce: {how}")


def _flat(statements: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements, with each hidden block replaced by its statements."""
    for node in statements:
        if is_hidden(node):
            assert isinstance(node, ast.With)
            yield from node.body
        else:
            yield node


def _misplaced(node: ast.stmt) -> set[str]:
    read = {word for word in reads(node) if word in WORDS}
    if scored := score(node):
        word, value = scored
        return read - {word, "seconds"} | ((reads(value) & set(WORDS)) - {"seconds"})
    if is_tool(node):
        return read - {"tool"}
    if is_test(node) or decides(node):
        return read - {"judge", "approve", "seconds"}
    return read
