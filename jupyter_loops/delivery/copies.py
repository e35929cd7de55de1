"""Which objects of the notebook the statements may change in place, and copies of those objects."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from jupyter_loops.core.names import binds, changes, reads, root
from jupyter_loops.errors import DeliveryError

from .inert import error_summary

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def copied(names: Mapping[str, Any], changed: Iterable[str]) -> dict[str, Any]:
    """The names, with copies of the changed values. Objects that they share stay shared. Raises DeliveryError."""
    import cloudpickle

    originals = {name: names[name] for name in sorted(changed) if name in names}
    try:
        return {**names, **(cloudpickle.loads(cloudpickle.dumps(originals)) if originals else {})}
    except Exception as error:
        name = next((name for name, value in originals.items() if not _can_be_copied(value)), min(originals))
        why = f"`{name}` of the notebook would be changed, and cannot be copied ({error_summary(error)})"
        raise DeliveryError(f"{why}; make it in the cell instead") from error


def may_change(statements: Sequence[ast.stmt]) -> set[str]:
    """The names whose values the statements may change, directly or in functions that they call."""
    functions = {statement.name: statement for statement in statements if isinstance(statement, _Function)}
    running: list[ast.AST] = [statement for statement in statements if not isinstance(statement, _Function)]
    running += [node for statement in functions.values() for node in statement.decorator_list]
    called: set[str] = set()
    todo = _read(running) & functions.keys()
    while todo:
        called |= todo
        todo = (_read(functions[name] for name in todo) & functions.keys()) - called
    executed = [*running, *(functions[name] for name in called)]
    changed = {name for node in executed for name in changes(node)}
    while more := {name for node in executed for name in _aliased_names(node, changed, functions)} - changed:
        changed |= more
    return changed


def _aliased_names(part: ast.AST, changed: set[str], functions: Mapping[str, _Function]) -> Iterator[str]:
    """The names behind changed aliases: `cfg` in `d = cfg` and `fill(cfg)`, `rows` in `for row in rows`."""
    for node in ast.walk(part):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr) and node.value is not None:
            if binds(node) & changed:
                yield from root(node.value)
        elif isinstance(node, ast.For | ast.comprehension) and binds(node.target) & changed:
            yield from root(node.iter)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in functions:
            function = functions[node.func.id]
            changed_parameters = changed & {
                parameter.arg for parameter in ast.walk(function) if isinstance(parameter, ast.arg)
            }
            for argument in (*node.args, *(keyword.value for keyword in node.keywords)) if changed_parameters else ():
                yield from root(argument)


def _read(nodes: Iterable[ast.AST]) -> set[str]:
    return {name for node in nodes for name in reads(node)}


def _can_be_copied(value: object) -> bool:
    import cloudpickle

    try:
        cloudpickle.loads(cloudpickle.dumps(value))
    except Exception:  # noqa: BLE001  # whatever its class raises
        return False
    return True
