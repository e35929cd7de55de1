"""A check, compiled in the kernel once a run: instrumented, and with the names that it changes."""

from __future__ import annotations

import ast
import marshal
import warnings
from functools import lru_cache
from typing import Any

from jupyter_loops.core.mutation import changed
from jupyter_loops.core.names import changes
from jupyter_loops.core.recipe import Check, CheckKind
from jupyter_loops.core.syntax_tree import parse_module

from .host_questions import redirect
from .instrument import Instrument, Places


def program(check: Check, index: int) -> dict[str, Any]:
    """What the child needs to run a check that it has not met before; plain values, code as marshalled bytes."""
    return _compiled(check) | {"index": index}


@lru_cache(maxsize=4096)
def _compiled(check: Check) -> dict[str, Any]:
    text = "\n" * (check.line - 1) + check.source
    places, tree = Places(text), parse_module(text)
    redirect(tree)
    full_tree = parse_module(f"{check.prelude}\n{check.source}")
    compiled = {
        "kind": check.kind.value,
        "line": check.line,
        "text": text,
        "prelude": _prelude(check),
        "changes": sorted(changed(full_tree).union(*map(changes, full_tree.body))),
    }
    if check.kind is CheckKind.ASSERT:
        sole = isinstance(tree.body[0], ast.Assert)
        code = _code(Instrument(places).visit(tree), "exec")
    else:
        sole, statement = False, tree.body[0]
        assert isinstance(statement, ast.Expr)
        assert isinstance(statement.value, ast.Call)
        compiled["expression"] = places.source(statement.value.args[0])
        code = _code(ast.Expression(Instrument(places, inside=True).visit(statement.value.args[0])), "eval")
    return compiled | {
        "code": code,
        "sole": sole,
        "sources": places.sources,
        "tests": places.tests,
    }


def _prelude(check: Check) -> dict[str, Any] | None:
    if not check.prelude.strip():
        return None
    first = max(1, check.line - len(check.prelude.splitlines()))
    text = "\n" * (first - 1) + check.prelude
    return {"text": text, "code": _code(parse_module(text), "exec")}


def _code(tree: ast.Module | ast.Expression, mode: str) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a constant is called: it will be a function
        ready = ast.fix_missing_locations(tree)
        return marshal.dumps(compile(ready, "<check>", mode, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True))
