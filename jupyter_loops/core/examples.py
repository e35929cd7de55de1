"""The examples beside a definition: prints, trial calls, asserts and main blocks of a module."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator

from .names import binds, reads
from .syntax_tree import parse_module

_SHOWING = frozenset({"print", "pprint", "pp", "display", "help"})
_TESTING = frozenset({"testmod", "run_docstring_examples"})
_Compound = ast.If | ast.For | ast.While | ast.With | ast.Try
_LINE_END = re.compile(r"(?<=\n)|(?<=\r)(?!\n)")


def without_examples(text: str, targets: Collection[str]) -> str:
    """The module without its top-level examples of the targets, in whose place stand blank lines."""
    body = parse_module(text).body
    return blanked(text, body, examples(text, body, targets))


def examples(text: str, body: list[ast.stmt], targets: Collection[str]) -> set[ast.stmt]:
    """The top-level statements that only try the targets out, or show something."""
    defined = {node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    names, showing = frozenset(targets), _SHOWING - defined
    nodes = {node for node in body if _is_example(node, names, showing)}
    lines = lines_of(text) if nodes else []
    if objects := frozenset().union(*map(binds, nodes)):  # what is done with an object of a target is an example, too
        nodes = {node for node in body if _is_example(node, names, showing, objects)}
    while staying := _staying(lines, body, nodes, targets) | _using(nodes, objects):
        nodes -= staying
    return nodes


def blanked(text: str, body: list[ast.stmt], removed: Collection[ast.stmt]) -> str:
    """The text with the lines of some statements empty, so that all others keep their numbers."""
    if not removed:
        return text
    lines = lines_of(text)
    for node in removed:
        for number in _lines(node):
            lines[number - 1] = _end(lines[number - 1])
    if body[-1] in removed:
        while len(lines) > 1 and not lines[-1].strip("\r\n"):
            lines.pop()
    return "".join(lines)


def lines_of(text: str) -> list[str]:
    """The lines as Python counts them, line ends included."""
    if "\r" in text:
        return _LINE_END.split(text)
    *lines, last = text.split("\n")
    return [*(f"{line}\n" for line in lines), last]


def _staying(lines: list[str], body: list[ast.stmt], nodes: set[ast.stmt], targets: Collection[str]) -> set[ast.stmt]:
    """Those of the examples that something else needs, or shares a line with."""
    others = [node for node in body if node not in nodes]
    other_lines = {number for node in others for number in (node.lineno, node.end_lineno)}
    bound = {node: binds(node) for node in nodes}
    needed = set(targets) | _read(lines, others, set().union(*bound.values()))
    return {
        node
        for node in nodes
        if bound[node] & needed or {node.lineno, node.end_lineno} & other_lines or _is_continued(lines, node)
    }


def _using(nodes: set[ast.stmt], objects: frozenset[str]) -> set[ast.stmt]:
    """Those that work on an object which stays."""
    staying = objects - {name for node in nodes for name in binds(node)}
    return {node for node in nodes if staying & reads(node)} if staying else set()


def _read(lines: list[str], nodes: list[ast.stmt], names: set[str]) -> set[str]:
    """Which of the names the rest reads; its syntax trees are walked only where the names occur at all."""
    words = "|".join(map(re.escape, names))
    mentioned = re.compile(rf"\b(?:{words})\b") if names else None
    suspects = [
        node for node in nodes if mentioned and any(mentioned.search(lines[number - 1]) for number in _lines(node))
    ]
    return names & {name for node in suspects for name in reads(node)}


def _is_continued(lines: list[str], node: ast.stmt) -> bool:
    return node.lineno > 1 and lines[node.lineno - 2].rstrip("\r\n").endswith("\\")


def _is_example(
    node: ast.stmt, targets: frozenset[str], showing: frozenset[str], objects: frozenset[str] = frozenset()
) -> bool:
    match node:
        case ast.Assert(test=test, msg=msg):
            return bool(targets & {name for part in filter(None, (test, msg)) for name in reads(part)})
        case ast.Expr(value=value):
            return _shows(value, targets, showing) or _root(value) in objects
        case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
            names = node.targets if isinstance(node, ast.Assign) else [node.target]
            return _calls(value, targets) and all(isinstance(name, ast.Name) for name in names)
        case ast.If(test=test, orelse=[]) if _is_main(test):
            return True
        case ast.If() | ast.For() | ast.While() | ast.With() | ast.Try():
            inside = list(_inside(node))
            leaves = [leaf for leaf in inside if not isinstance(leaf, ast.Pass | ast.Break | ast.Continue)]
            return bool(leaves) and all(_is_example(leaf, targets, showing, objects) for leaf in leaves)
    return False


def _shows(value: ast.expr, targets: frozenset[str], showing: frozenset[str]) -> bool:
    """Whether an expression statement prints, runs doctests, or calls a target by its name."""
    if isinstance(value, ast.Await):
        value = value.value
    if not isinstance(value, ast.Call):
        return False
    called = ast.unparse(value.func) if isinstance(value.func, ast.Name | ast.Attribute) else ""
    module, _, name = called.rpartition(".")
    if module:
        return (module, name) in {("pprint", "pprint"), ("pprint", "pp")} or (module == "doctest" and name in _TESTING)
    return name in showing or name in targets or name in _TESTING


def _root(value: ast.expr) -> str:
    """The name at the left end of `name.method(…)`."""
    while isinstance(value, ast.Call | ast.Attribute | ast.Await):
        value = value.func if isinstance(value, ast.Call) else value.value
    return value.id if isinstance(value, ast.Name) else ""


def _calls(value: ast.expr, targets: frozenset[str]) -> bool:
    if isinstance(value, ast.Await):
        value = value.value
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in targets


def _is_main(test: ast.expr) -> bool:
    match test:
        case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]):
            return {ast.unparse(left), ast.unparse(right)} == {"__name__", "'__main__'"}
    return False


def _inside(node: _Compound) -> Iterator[ast.stmt]:
    blocks: list[Iterable[ast.stmt]] = [node.body, getattr(node, "orelse", []), getattr(node, "finalbody", [])]
    blocks += [handler.body for handler in getattr(node, "handlers", [])]
    return (statement for block in blocks for statement in block)


def _lines(node: ast.stmt) -> range:
    decorators = getattr(node, "decorator_list", [])
    return range(decorators[0].lineno if decorators else node.lineno, (node.end_lineno or node.lineno) + 1)


def _end(line: str) -> str:
    return line[len(line.rstrip("\r\n")) :]
