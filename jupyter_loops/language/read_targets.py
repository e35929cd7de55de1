"""Reads the statements that state what to produce: stubs, and bare annotations."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from jupyter_loops.core.recipe import Target, TargetKind
from jupyter_loops.core.syntax_tree import parse_expression
from jupyter_loops.errors import CellError

from .objects import built_by_code
from .source import Source
from .stubs import Function, is_stub, marks


def target_name(statement: ast.stmt) -> str | None:
    """The name that the statement asks for, if it asks for one."""
    if isinstance(statement, ast.AnnAssign) and statement.value is None and isinstance(statement.target, ast.Name):
        return statement.target.id
    if isinstance(statement, Function | ast.ClassDef) and is_stub(statement):
        return statement.name
    return None


def read_target(source: Source, statement: ast.stmt, imports: Mapping[str, str]) -> tuple[Target, ast.AST]:
    """The target, and the part of the statement whose names it needs. Raises CellError."""
    line, text = source.line(statement), source.segment(statement)
    if isinstance(statement, ast.AnnAssign):
        assert isinstance(statement.target, ast.Name)
        name = statement.target.id
        written, kind, node = _annotation(source, statement, imports, name)
        return Target(name=name, kind=kind, source=text, annotation=written, line=line), node
    assert isinstance(statement, Function | ast.ClassDef)
    if "overload" in marks(statement):
        raise CellError(f"`@overload` is not read: state `{statement.name}` once, with unions as its types", line)
    kind = TargetKind.CLASS if isinstance(statement, ast.ClassDef) else TargetKind.FUNCTION
    doc = ast.get_docstring(statement) or ""
    return Target(name=statement.name, kind=kind, source=text, doc=doc, line=line), statement


def _annotation(
    source: Source, statement: ast.AnnAssign, imports: Mapping[str, str], name: str
) -> tuple[str, TargetKind, ast.expr]:
    """The type as written, how its value is produced, and the type as an expression. A quoted type is parsed."""
    node, written = statement.annotation, source.segment(statement.annotation)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        written = node.value.strip()
        node = _quoted(written, name, source.line(statement))
    if built := built_by_code(node, imports):
        return built, TargetKind.FRAME, node
    return written, TargetKind.TEXT if written == "str" else TargetKind.DATA, node


def _quoted(text: str, name: str, line: int) -> ast.expr:
    try:
        return parse_expression(text).body
    except (SyntaxError, ValueError):
        raise CellError(f"the type of `{name}` is not Python: {text}", line) from None
