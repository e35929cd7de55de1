"""Checks in the forms of test files: `def test_f():`, `np.testing.assert_equal(…)`, `with pytest.raises(…):`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from .stubs import Function, is_stub, is_tool, last_name, marks

_ASSERTING = re.compile(r"assert_|assert[A-Z]")
_EXPECTING = {"raises", "warns", "deprecated_call"}
_SCOPE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def is_test(node: ast.stmt) -> bool:
    """Whether this is a test function that can be called without arguments, and that asserts something.

    The decorator `@given` of Hypothesis supplies the arguments.
    """
    return (
        isinstance(node, Function)
        and is_named_as_test(node)
        and ("given" in marks(node) or _has_no_parameters(node))
        and decides(*node.body)
    )


def is_named_as_test(node: ast.stmt) -> bool:
    """Whether a test runner would collect the function or class as a test."""
    if isinstance(node, ast.ClassDef):
        return node.name.startswith("Test") or any(last_name(base) == "TestCase" for base in node.bases)
    return isinstance(node, Function) and node.name.startswith("test_") and not (is_stub(node) or is_tool(node))


def is_asserting_call(node: ast.stmt) -> bool:
    """Whether the statement calls an assertion: `np.testing.assert_allclose(…)`, `pytest.raises(E, f, -1)`."""
    value = node.value if isinstance(node, ast.Expr) else None
    call = value.value if isinstance(value, ast.Await) else value
    if not isinstance(call, ast.Call):
        return False
    name = last_name(call.func)
    return bool(_ASSERTING.match(name)) or (name in _EXPECTING and len(call.args) > 1)


def expects(node: ast.AST) -> bool:
    """Whether this is a block that expects an exception or a warning."""
    calls = [item.context_expr for item in node.items] if isinstance(node, ast.With | ast.AsyncWith) else []
    names = [last_name(call.func) for call in calls if isinstance(call, ast.Call)]
    return any(name in _EXPECTING or _ASSERTING.match(name) for name in names)


def holds_assert(*nodes: ast.AST) -> bool:
    """Whether an assert runs when these do. An assert inside a nested def does not count."""
    return any(isinstance(node, ast.Assert) for node in _running(*nodes))


def decides(*nodes: ast.AST) -> bool:
    """Whether an assertion in any form runs when these do."""
    return any(
        isinstance(node, ast.Assert)
        or (isinstance(node, ast.Expr) and is_asserting_call(node))
        or (isinstance(node, ast.Raise) and _raised(node) == "AssertionError")
        or (isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.fail")
        or expects(node)
        for node in _running(*nodes)
    )


def awaits(node: ast.AST) -> bool:
    """Whether the statement itself awaits, outside of any function that it defines."""
    if isinstance(node, Function):
        return any(map(awaits, [*node.decorator_list, node.args]))
    waits = isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith) or bool(getattr(node, "is_async", False))
    return waits or (not isinstance(node, ast.Lambda) and any(map(awaits, ast.iter_child_nodes(node))))


def _running(*nodes: ast.AST) -> Iterator[ast.AST]:
    for node in nodes:
        if not isinstance(node, _SCOPE):
            yield node
            yield from _running(*ast.iter_child_nodes(node))


def _raised(node: ast.Raise) -> str:
    return "" if node.exc is None else last_name(node.exc.func if isinstance(node.exc, ast.Call) else node.exc)


def _has_no_parameters(node: Function) -> bool:
    parameters = node.args
    positional = [*parameters.posonlyargs, *parameters.args]
    return not (positional or parameters.kwonlyargs or parameters.vararg or parameters.kwarg)
