"""Definitions of the set-up that an answer repeats: without them a class would be defined twice."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Collection, Iterator

from jupyter_loops.core.names import binds, reads
from jupyter_loops.core.syntax_tree import parse_module

_MAKERS = frozenset(
    {"namedtuple", "NamedTuple", "TypedDict", "NewType", "TypeVar", "Enum", "IntEnum", "StrEnum", "Flag", "IntFlag"}
)


def repeats(body: list[ast.stmt], setup: str, targets: Collection[str]) -> set[ast.stmt]:
    """The definitions of an answer that the set-up has in the same form, and so has all that they refer to."""
    if not setup or not (there := _definitions(parse_module(setup).body)):
        return set()
    definitions = _definitions(body)
    same = {
        name
        for name, node in definitions.items()
        if name in there and name not in targets and _key(node, name) == _key(there[name], name)
    }
    bound = {name for node in body for name in binds(node)}
    while differing := {name for name in same if (reads(definitions[name]) & bound) - same}:
        same -= differing
    return {definitions[name] for name in same if not isinstance(definitions[name], ast.Import | ast.ImportFrom)}


def _definitions(body: list[ast.stmt]) -> dict[str, ast.stmt]:
    """Functions, classes and imports by the names that only they bind."""
    times = Counter(name for node in body for name in binds(node))
    return {name: node for node in body for name in _defined(node) if times[name] == 1}


def _defined(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Import() | ast.ImportFrom():
            yield from binds(node)
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=func)):
            if ast.unparse(func).rpartition(".")[2] in _MAKERS:
                yield name


def _key(node: ast.stmt, name: str) -> str:
    """The same for the same definition; of an import, what the name stands for."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        alias = next((imported for imported in node.names if name in binds(imported)), None)
        source = f"{node.level} {node.module}" if isinstance(node, ast.ImportFrom) else ""
        return f"{source} {alias and alias.name}"
    return ast.dump(node)
