"""The world of a run: its cell, the notebook's names that it reads, and the limits of a candidate."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pkgutil import iter_modules

from jupyter_loops.core.imports import Imports
from jupyter_loops.core.ports import World
from jupyter_loops.core.recipe import Recipe, Target, TargetKind
from jupyter_loops.core.syntax_tree import parse_module
from jupyter_loops.errors import OptionError, PreflightError
from jupyter_loops.nearest import nearest
from jupyter_loops.options import Options

_STREAMS = frozenset({"Iterator", "Generator", "AsyncIterator", "AsyncIterable", "AsyncGenerator"})


def make_world(recipe: Recipe, options: Options, names: Mapping[str, object]) -> World:
    """The input of the sandbox. Raises PreflightError."""
    from jupyter_loops.execution.secrecy import keep_back
    from jupyter_loops.execution.tests import digest, locate

    classes = [target.name for target in recipe.targets if target.kind is TargetKind.CLASS]
    if options.deliver == "sandboxed" and classes:
        raise PreflightError(f"--deliver sandboxed is for functions, and {classes[0]} is a class: leave it away")
    if options.deliver == "sandboxed" and (streaming := next(filter(_streams, recipe.targets), None)):
        raise PreflightError(
            f"--deliver sandboxed is for functions that return data, and {streaming.name} is a generator: leave it away"
        )
    if unknown := [name for name in options.give if name not in names]:
        raise OptionError(f"--give got {', '.join(unknown)}, and the notebook has no such name")
    read = {name: names[name] for name in sorted(recipe.uses) if name in names}
    keep_back(read, options.give)
    _check_modules(options)
    imports = Imports.of(options.allow_imports, options.deny_imports, recipe.setup)
    tests, roots = locate(recipe)
    return World(
        recipe=recipe,
        names=read,
        offered=names,
        given=frozenset(options.give),
        limits=options.limits,
        imports=imports,
        tests=tests,
        roots=roots,
        tests_digest=digest(roots),
        all_checks=options.all_checks,
    )


def _check_modules(options: Options) -> None:
    """Raises OptionError where a module that candidates may import is not there; an image has its own."""
    tops = dict.fromkeys(name.partition(".")[0] for name in options.allow_imports or ())
    missing = [] if options.image else [name for name in tops if name not in sys.modules and find_spec(name) is None]
    if missing:
        similar = nearest(missing[0], sys.stdlib_module_names | {module.name for module in iter_modules()})
        raise OptionError(
            f"--allow-imports got {', '.join(missing)}, and there is no such module here{similar or ': leave it out'}"
        )


def _streams(target: Target) -> bool:
    """Whether a stub says that calls of it make a generator."""
    if target.kind is not TargetKind.FUNCTION:
        return False
    stub = parse_module(target.source).body[0]
    assert isinstance(stub, ast.FunctionDef | ast.AsyncFunctionDef)
    returns = stub.returns.value if isinstance(stub.returns, ast.Subscript) else stub.returns
    named = "" if returns is None else ast.unparse(returns).strip("'\"")
    return named.partition("[")[0].rpartition(".")[2] in _STREAMS


def names_for_model(world: World) -> dict[str, object]:
    """What the model is told of: names that set-up and checks read, and those that the goal or a docstring mentions."""
    withheld = withheld_names(world)
    return {name: value for name, value in _mentioned(world).items() if name not in withheld}


def withheld_names(world: World) -> dict[str, str]:
    """Names that stay in the notebook, because they are secrets or hold one, and why."""
    from jupyter_loops.execution.secrecy import why_secret

    whys = {name: why_secret(name, value) for name, value in _mentioned(world).items() if name not in world.given}
    return {name: why for name, why in whys.items() if why}


def _mentioned(world: World) -> dict[str, object]:
    recipe = world.recipe
    text = "\n".join([recipe.goal, *(target.doc for target in recipe.targets)])
    mentioned = set(re.findall(r"[^\W\d]\w{2,}", text)) | set(re.findall(r"`([^\W\d]\w*)`", text))
    targets = {target.name for target in recipe.targets}
    others = {name: world.offered[name] for name in sorted(mentioned - targets) if name in world.offered}
    return dict(world.names) | others
