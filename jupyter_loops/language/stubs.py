"""What a stub is: a function, or a class of methods, whose body the model has to write."""

from __future__ import annotations

import ast

Function = ast.FunctionDef | ast.AsyncFunctionDef


def is_stub(node: ast.stmt) -> bool:
    """Whether the model has to write this def or class."""
    return is_function_stub(node) or is_class_stub(node)


def is_function_stub(node: ast.stmt) -> bool:
    """Whether the body is empty: a docstring, `...` or `pass`."""
    return isinstance(node, Function) and not (is_tool(node) or is_prompt(node)) and all(map(_is_empty, node.body))


def is_class_stub(node: ast.stmt) -> bool:
    """Whether a class has methods, all of them empty, and no values.

    A protocol is an interface, and so is a class whose methods are all abstract: neither is a stub.
    """
    if not isinstance(node, ast.ClassDef) or "Protocol" in _bases(node):
        return False
    methods = [part for part in node.body if isinstance(part, Function)]
    other_parts = [part for part in node.body if not isinstance(part, Function)]
    return (
        all(map(is_function_stub, methods))
        and not all(map(_is_abstract, methods))
        and all(_is_empty(part) or (isinstance(part, ast.AnnAssign) and part.value is None) for part in other_parts)
    )


def is_tool(node: ast.stmt) -> bool:
    """Whether the statement is a def under `@tool`."""
    return isinstance(node, Function) and "tool" in marks(node)


def is_prompt(node: ast.stmt) -> bool:
    """Whether the statement is a def under a plain `@prompt`."""
    return isinstance(node, Function) and any(
        isinstance(mark, ast.Name) and mark.id == "prompt" for mark in node.decorator_list
    )


def marks(node: Function | ast.ClassDef) -> set[str]:
    """The last names of the decorators: `abc.abstractmethod` is `abstractmethod`."""
    return {last_name(mark.func if isinstance(mark, ast.Call) else mark) for mark in node.decorator_list}


def last_name(node: ast.expr) -> str:
    """`c` of `a.b.c`; empty for what is no name."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _bases(node: ast.ClassDef) -> set[str]:
    return {last_name(base.value if isinstance(base, ast.Subscript) else base) for base in node.bases}


def _is_abstract(method: Function) -> bool:
    return any(mark.startswith("abstract") for mark in marks(method))


def _is_empty(part: ast.stmt) -> bool:
    value = part.value if isinstance(part, ast.Expr) else None
    return isinstance(part, ast.Pass) or (
        isinstance(value, ast.Constant) and (value.value is Ellipsis or isinstance(value.value, str))
    )
