"""Which of the notebook's objects statements may change in place when they run, and copies of those."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from jupyter_loops.core.names import binds, changes, reads, root
from jupyter_loops.errors import DeliveryError

from .inert import told

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def copied(names: Mapping[str, Any], changed: Iterable[str]) -> dict[str, Any]:
    """The names, those that are changed as copies that keep what they share. Raises DeliveryError."""
    import cloudpickle

    mine = {name: names[name] for name in sorted(changed) if name in names}
    try:
        return {**names, **(cloudpickle.loads(cloudpickle.dumps(mine)) if mine else {})}
    except Exception as error:
        name = next((name for name, value in mine.items() if not _travels(value)), min(mine))
        why = f"`{name}` of the notebook would be changed, and cannot be copied ({told(error)})"
        raise DeliveryError(f"{why}; make it in the cell instead") from error


def may_change(statements: Sequence[ast.stmt]) -> set[str]:
    """The names whose values may be changed while the statements run, by themselves or by functions that they call."""
    functions = {each.name: each for each in statements if isinstance(each, _Function)}
    running: list[ast.AST] = [each for each in statements if not isinstance(each, _Function)]
    running += [part for each in functions.values() for part in each.decorator_list]
    called: set[str] = set()
    todo = _read(running) & functions.keys()
    while todo:
        called |= todo
        todo = (_read(functions[name] for name in todo) & functions.keys()) - called
    parts = [*running, *(functions[name] for name in called)]
    changed = {name for part in parts for name in changes(part)}
    while more := {name for part in parts for name in _behind(part, changed, functions)} - changed:
        changed |= more
    return changed


def _behind(part: ast.AST, changed: set[str], functions: Mapping[str, _Function]) -> Iterator[str]:
    """The names that other names which are changed stand for: `d = cfg`, `for row in rows`, `fill(cfg)`."""
    for node in ast.walk(part):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr) and node.value is not None:
            if binds(node) & changed:
                yield from root(node.value)
        elif isinstance(node, ast.For | ast.comprehension) and binds(node.target) & changed:
            yield from root(node.iter)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in functions:
            function = functions[node.func.id]
            changes_its_own = changed & {each.arg for each in ast.walk(function) if isinstance(each, ast.arg)}
            for argument in (*node.args, *(keyword.value for keyword in node.keywords)) if changes_its_own else ():
                yield from root(argument)


def _read(nodes: Iterable[ast.AST]) -> set[str]:
    return {name for node in nodes for name in reads(node)}


def _travels(value: object) -> bool:
    import cloudpickle

    try:
        cloudpickle.loads(cloudpickle.dumps(value))
    except Exception:  # noqa: BLE001  # whatever its class raises
        return False
    return True
