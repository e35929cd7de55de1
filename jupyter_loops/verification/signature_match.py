"""Whether a function has the signature that its stub promises. Annotations may be missing or differ."""

from __future__ import annotations

import ast
from itertools import zip_longest

from jupyter_loops.core.recipe import Target
from jupyter_loops.core.syntax_tree import parse_module

Function = ast.FunctionDef | ast.AsyncFunctionDef


def mismatch(target: Target, definition: ast.stmt | None) -> str:
    """Empty when the function may stand in for the stub, else one line that says what is required."""
    stub = parse_module(target.source).body[0]
    assert isinstance(stub, Function)
    requirement = f"it has to be `{header(stub)}`"
    if definition is None:
        return f"the code does not define it; {requirement}"
    if not isinstance(definition, Function):
        return f"it is not a function statement; {requirement}"
    if not as_asynchronous(stub, definition):
        return f"only one of them is async; {requirement}"
    return "" if fits(stub.args, definition.args) else f"the code says `{header(definition)}`; {requirement}"


def as_asynchronous(stub: Function, actual: Function) -> bool:
    """Whether both are awaited, or neither; a call of an asynchronous generator is not, however it is written."""
    asynchronous = isinstance(stub, ast.AsyncFunctionDef), isinstance(actual, ast.AsyncFunctionDef)
    if asynchronous[0] is asynchronous[1]:
        return True
    return _yields(actual) if asynchronous[1] else stub.returns is not None and "Async" in ast.unparse(stub.returns)


def _yields(function: Function) -> bool:
    """Whether a call makes a generator."""
    nodes: list[ast.AST] = [*function.body]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            nodes += ast.iter_child_nodes(node)
    return False


def fits(stub: ast.arguments, actual: ast.arguments) -> bool:
    """Whether every call that the stub allows is one that the function takes."""
    stars = [(args.vararg is None, args.kwarg is None) for args in (stub, actual)]
    by_position = zip_longest(_positional(stub), _positional(actual), fillvalue=("", False))
    by_name = dict(_keywords(actual))
    return (
        stars[0] == stars[1]
        and all(name == other and (has or not needed) for (name, needed), (other, has) in by_position)
        and by_name.keys() == dict(_keywords(stub)).keys()
        and all(by_name[name] or not needed for name, needed in _keywords(stub))
    )


def _positional(arguments: ast.arguments) -> list[tuple[str, bool]]:
    """Name and whether it has a default, in order."""
    named = [*arguments.posonlyargs, *arguments.args]
    required = len(named) - len(arguments.defaults)
    return [(argument.arg, place >= required) for place, argument in enumerate(named)]


def _keywords(arguments: ast.arguments) -> list[tuple[str, bool]]:
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return [(argument.arg, default is not None) for argument, default in pairs]


def header(function: Function) -> str:
    """The def line, without its colon."""
    returns = f" -> {ast.unparse(function.returns)}" if function.returns else ""
    word = "async def" if isinstance(function, ast.AsyncFunctionDef) else "def"
    return f"{word} {function.name}({ast.unparse(function.args)}){returns}"
