"""The globals of a cell's functions in the kernel: the notebook's names, and what they need of the set-up."""

from __future__ import annotations

import ast
import builtins
import linecache
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jupyter_loops.core.names import binds, imports_star
from jupyter_loops.core.recipe import Recipe, ToolSpec
from jupyter_loops.core.syntax_tree import parse_module
from jupyter_loops.errors import PreflightError
from jupyter_loops.language import words
from jupyter_loops.language.needed import needed


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


def define(recipe: Recipe, names: Mapping[str, object], specs: Sequence[ToolSpec]) -> dict[str, Callable[..., Any]]:
    """These functions of the cell, by name. Raises PreflightError."""
    if not specs:
        return {}
    setup = _setup(recipe, specs)
    _complete(recipe, specs, setup, names)
    filename = f"<loop {recipe.name}, {', '.join(spec.name for spec in specs)}>"
    scope = Scope(names, tool=words.tool, prompt=words.prompt, __name__="__main__", __builtins__=builtins)
    program = "\n\n".join([*(ast.unparse(statement) for statement in setup), *(spec.source for spec in specs)])
    linecache.cache[filename] = (len(program), None, program.splitlines(keepends=True), filename)
    try:
        exec(compile(program, filename, "exec", dont_inherit=True), scope)  # noqa: S102  # the user's own cell
    except Exception as error:
        message = f"{type(error).__name__}: {error!s:.300}"
        who = ", ".join(spec.name for spec in specs)
        raise PreflightError(f"what {who} needs of the set-up could not run in the notebook: {message}") from error
    return {spec.name: scope[spec.name] for spec in specs}


def _complete(
    recipe: Recipe, specs: Sequence[ToolSpec], setup: Sequence[ast.stmt], names: Mapping[str, object]
) -> None:
    """Raise PreflightError for a name that a function reads and that does not exist."""
    bound = {name for statement in setup for name in binds(statement)} | {spec.name for spec in specs}
    if any(map(imports_star, setup)):
        return  # which may bind anything
    for spec in specs:
        if missing := sorted(spec.uses - bound - names.keys()):
            what = "@prompt" if spec is recipe.prompt else "tool"
            raise PreflightError(f"line {spec.line}: the {what} {spec.name} reads `{missing[0]}`, which is not there")


def _setup(recipe: Recipe, specs: Sequence[ToolSpec]) -> list[ast.stmt]:
    """The set-up statements that the functions reach; they run in the sandbox as well."""
    tree = parse_module(recipe.setup)
    return needed(tree.body, {name for spec in specs for name in spec.uses})
