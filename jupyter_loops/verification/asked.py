"""Lets a check's own calls of judge, approve and pytest ask the kernel. Runs in the sandbox's child."""

from __future__ import annotations

import ast
from collections.abc import Callable
from os import urandom
from typing import Any

ASK = "@ask"  # not a name that Python source can spell
_WORDS = frozenset({"judge", "approve", "pytest"})  # core.recipe.Word
_PASS = 16  # bytes

Ask = Callable[[int, object], object]


class Uninvited(Exception):
    """Something else than the check tried to ask."""


def redirect(tree: ast.Module, names: dict[str, Any], ask: Ask) -> None:
    """Point the calls at `ask`, each with its number in `ast.walk`'s order and, but for pytest, its value.

    The candidate shares the namespace and may find the function there, so each call shows a pass that is made
    for this one check and stands in its code only.
    """
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _word(node) in _WORDS]
    if not calls:
        return
    invitation = urandom(_PASS).hex()

    def invited(shown: object, site: int, value: object = None) -> object:
        if type(shown) is not str or shown != invitation:
            raise Uninvited("only a check may ask")
        return ask(site, value)

    names[ASK] = invited
    for site, call in enumerate(calls):
        value = [] if _word(call) == "pytest" else _value(call)
        call.func = ast.copy_location(ast.Name(ASK, ast.Load()), call.func)
        call.args, call.keywords = [ast.Constant(invitation), ast.Constant(site), *value], []


def _word(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _value(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(each.value for each in call.keywords if each.arg == "value")][:1]
