"""The globals of a cell's tools: the notebook's names, and what the tools need of the set-up."""

from __future__ import annotations

import ast
import builtins
import linecache
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jupyter_loops.core.names import binds, imports_star
from jupyter_loops.core.recipe import Recipe
from jupyter_loops.core.syntax_tree import parse_module
from jupyter_loops.errors import PreflightError
from jupyter_loops.language.needed import needed
from jupyter_loops.language.words import tool as mark


class Scope(dict[str, Any]):
    """Globals that fall back on the notebook's names as they are at that moment.

    What a tool changes in place is changed in the notebook; a name that it binds anew is its own.
    """

    def __init__(self, names: Mapping[str, object], **extra: Any) -> None:
        super().__init__(extra)
        self._names = names

    def __missing__(self, name: str) -> Any:
        if hasattr(builtins, name):  # as everywhere: a notebook that has a `list` of its own means that one
            return self._names.get(name, getattr(builtins, name))
        return self._names[name]


def define(recipe: Recipe, names: Mapping[str, object]) -> dict[str, Callable[..., Any]]:
    """The functions of the cell's `@tool`s, by name. Raises PreflightError."""
    if not recipe.tools:
        return {}
    setup = _setup(recipe)
    _complete(recipe, setup, names)
    filename = f"<loop {recipe.name}, tools>"
    scope = Scope(names, tool=mark, __name__="__main__", __builtins__=builtins)
    program = "\n\n".join([*(ast.unparse(statement) for statement in setup), *(tool.source for tool in recipe.tools)])
    linecache.cache[filename] = (len(program), None, program.splitlines(keepends=True), filename)
    try:
        exec(compile(program, filename, "exec", dont_inherit=True), scope)  # noqa: S102  # the user's own cell
    except Exception as error:
        message = f"{type(error).__name__}: {error!s:.300}"
        raise PreflightError(f"what the tools need of the set-up could not run in the notebook: {message}") from error
    return {tool.name: scope[tool.name] for tool in recipe.tools}


def _complete(recipe: Recipe, setup: Sequence[ast.stmt], names: Mapping[str, object]) -> None:
    """Raise PreflightError for a name that a tool reads and that does not exist."""
    bound = {name for statement in setup for name in binds(statement)} | {tool.name for tool in recipe.tools}
    if any(map(imports_star, setup)):
        return  # which may bind anything
    for tool in recipe.tools:
        if missing := sorted(tool.uses - bound - names.keys()):
            raise PreflightError(f"line {tool.line}: the tool {tool.name} reads `{missing[0]}`, which is not there")


def _setup(recipe: Recipe) -> list[ast.stmt]:
    """The set-up statements that the tools reach; they run in the sandbox as well."""
    tree = parse_module(recipe.setup)
    return needed(tree.body, {name for tool in recipe.tools for name in tool.uses})
