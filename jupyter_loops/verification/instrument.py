"""Rewrites a check so that the values inside it are seen, each evaluated once and by the interpreter itself.

The rewritten check calls functions that are constants of its code, so that they take no name in the namespace.
"""

from __future__ import annotations

import ast
from typing import Any

from .assertion_recorder import BEGIN, FAIL, MARK, RECORD, TRUE

_OPAQUE = (ast.Lambda, ast.Yield, ast.YieldFrom, ast.Await)
_TRANSPARENT = (ast.Starred, ast.NamedExpr, ast.Slice)
_CONSTANT = (ast.Constant, ast.UnaryOp, ast.BinOp, ast.Tuple, ast.List, ast.Set, ast.Dict)  # may be literals


class Places:
    """The sub-expressions of one check, numbered in the order in which they are met; outer ones first."""

    def __init__(self, text: str) -> None:
        self._lines = text.encode().splitlines()  # bytes, as syntax trees count
        self.sources: list[str] = []
        self.tests: list[dict[str, Any]] = []

    def place(self, node: ast.expr) -> int:
        """A number for a sub-expression."""
        self.sources.append(self.source(node))
        return len(self.sources) - 1

    def source(self, node: ast.expr) -> str:
        """The expression as it was written, on one line."""
        first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        lines = self._lines[first : last + 1]
        lines[-1] = lines[-1][: node.end_col_offset]
        lines[0] = lines[0][node.col_offset :]
        return " ".join(line.strip() for line in b"\n".join(lines).decode(errors="replace").splitlines())


class Instrument(ast.NodeTransformer):
    """Sends the values of an assertion's sub-expressions through the recorder."""

    def __init__(self, places: Places, *, inside: bool = False) -> None:
        self._places, self._inside = places, inside

    def visit_Assert(self, node: ast.Assert) -> list[ast.stmt]:
        """Decide, and on failure explain, instead of raising a bare AssertionError."""
        comparison = node.test if isinstance(node.test, ast.Compare) and len(node.test.ops) == 1 else None
        test: dict[str, Any] = {"source": self._places.source(node.test), "place": self._places.place(node.test)}
        sides = [] if comparison is None else [comparison.left, *comparison.comparators]
        test["sides"] = [_side(expression, self._places.source(expression)) for expression in sides]
        test["operator"] = type(comparison.ops[0]).__name__ if comparison else ""
        inner = Instrument(self._places, inside=True).parts(node.test)
        if comparison is not None:
            for side, wrapped in zip(test["sides"], (comparison.left, *comparison.comparators), strict=True):
                side["place"] = _place_of(wrapped)
        self._places.tests.append(test)
        words = ast.Lambda(_no_arguments(), node.msg) if node.msg else ast.Constant(None)
        failing = ast.Expr(_call(FAIL, ast.Constant(len(self._places.tests) - 1), words))
        branch = ast.If(ast.UnaryOp(ast.Not(), _call(TRUE, ast.Constant(test["place"]), inner)), [failing], [])
        marked = ast.ExceptHandler(body=[ast.Expr(_call(MARK)), ast.Raise()])
        guarded = ast.Try(body=[ast.Expr(_call(BEGIN)), branch], handlers=[marked], orelse=[], finalbody=[])
        return [ast.copy_location(guarded, node)]

    def visit(self, node: ast.AST) -> Any:
        """Wrap expressions inside an assertion; look for assertions elsewhere."""
        if not self._inside or not isinstance(node, ast.expr):
            return super().visit(node)
        if isinstance(node, _OPAQUE) or isinstance(getattr(node, "ctx", None), ast.Store) or is_literal(node):
            return node
        if isinstance(node, _TRANSPARENT):
            return self.generic_visit(node)
        place = self._places.place(node)
        return ast.copy_location(_call(RECORD, ast.Constant(place), self.parts(node)), node)

    def parts(self, node: ast.expr) -> ast.expr:
        """The expression with its parts wrapped, itself not. The name of what is called is no value of interest."""
        if isinstance(node, ast.Name | ast.Constant | ast.JoinedStr):  # positions inside a JoinedStr are wrong on 3.11
            return node
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute):
                node.func.value = self.visit(node.func.value)
            elif not isinstance(node.func, ast.Name):
                node.func = self.visit(node.func)
            node.args = [self.visit(argument) for argument in node.args]
            node.keywords = [ast.keyword(keyword.arg, self.visit(keyword.value)) for keyword in node.keywords]
            return node
        self.generic_visit(node)
        return node


def is_literal(node: ast.expr) -> bool:
    """Whether the value is written out in the source."""
    if not isinstance(node, _CONSTANT):
        return False
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _side(node: ast.expr, source: str) -> dict[str, Any]:
    """One side of a comparison: a literal's value, or the place its value is recorded at."""
    literal = is_literal(node)
    return {
        "source": source,
        "literal": literal,
        "value": ast.literal_eval(node) if literal else None,
        "place": -1,
    }


def _place_of(node: ast.expr) -> int:
    """Where a wrapped expression is recorded; -1 for one that was left as it is."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Constant) and node.func.value == RECORD:
        assert isinstance(node.args[0], ast.Constant)
        return int(node.args[0].value)  # type: ignore[arg-type] # written by us as a number
    return -1


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Constant(name), list(arguments), [])


def _no_arguments() -> ast.arguments:
    return ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
