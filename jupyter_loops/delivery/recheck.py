"""Runs the checks of a cell in the notebook, on its current values."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from inspect import CO_COROUTINE
from types import ModuleType
from typing import Any

from jupyter_loops.core.recipe import Check, CheckKind, Recipe
from jupyter_loops.language.words import seconds

from .copies import copied, may_change
from .deliver import run_setup
from .inert import error_summary, quiet
from .plan import parsed, setup_plan


@dataclass(frozen=True, slots=True)
class RecheckOutcome:
    """The outcome of one check in the notebook."""

    check: str
    passed: bool | None  # None: it was skipped
    message: str = ""


def recheck(recipe: Recipe, namespace: Mapping[str, Any], module: ModuleType | None) -> list[RecheckOutcome]:
    """Run all checks in order, hidden ones too, on a copy of the notebook's names. Raises DeliveryError.

    `module` is where the verified code was defined. Helpers and classes of the set-up come from it, because
    the delivered code uses those.
    """
    scope = _scope(recipe, namespace, module)
    return [_outcome(check, scope) for check in recipe.checks]


def _scope(recipe: Recipe, namespace: Mapping[str, Any], module: ModuleType | None) -> dict[str, Any]:
    targets = {target.name for target in recipe.targets}
    checks = [statement for check in recipe.checks for statement in parsed(f"{check.prelude}\n{check.source}")]
    scope: dict[str, Any] = {"__name__": "__main__", "__builtins__": __builtins__, "seconds": seconds}
    run_setup(recipe, setup_plan(recipe), scope, dict(namespace))
    module_vars = vars(module) if module else {}
    module_names = {name: value for name, value in module_vars.items() if not name.startswith("__")}
    used_names = {name: namespace[name] for name in recipe.uses - scope.keys() if name in namespace}
    scope |= copied(module_names | used_names, may_change(checks) - targets)
    delivered = {name: namespace[name] for name in targets if name in namespace}
    return {name: value for name, value in scope.items() if name not in targets} | delivered


def _outcome(check: Check, scope: dict[str, Any]) -> RecheckOutcome:
    words = ", ".join(dict.fromkeys(ask.word.value for ask in check.asks))
    try:
        with quiet():
            _run(check.prelude, scope)
            if words or check.kind is not CheckKind.ASSERT:
                return RecheckOutcome(
                    check.name, None, f"asks {words}" if words else "a score, which passes or fails nothing"
                )
            _run(check.source, scope)
    except AssertionError as error:
        return RecheckOutcome(check.name, False, str(error))
    except Exception as error:  # noqa: BLE001  # whatever the code raises
        return RecheckOutcome(check.name, False, error_summary(error))
    return RecheckOutcome(check.name, True)


def _run(source: str, scope: dict[str, Any]) -> None:
    """Run the user's statements. Those that await run on another thread: the notebook's event loop is busy."""
    code = compile(source, "<check>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    awaited = eval(code, scope)  # noqa: S307  # the user's own
    if code.co_flags & CO_COROUTINE:
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, awaited).result()
