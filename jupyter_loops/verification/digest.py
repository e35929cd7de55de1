"""One digest for all ways to write the same proposal."""

from __future__ import annotations

import ast
import hashlib
import json
import warnings
from itertools import count

from jupyter_loops.core.candidate import Candidate, CandidateKind
from jupyter_loops.core.names import named_by
from jupyter_loops.core.syntax_tree import parse_module

_SORTED = json.JSONEncoder(sort_keys=True)


def digest(candidate: Candidate) -> str:
    """SHA-256 of a normal form: of code its syntax, of data canonical JSON; of the bare text where it is neither.

    The normal form of code has no docstrings, comments, annotations and layout. The names that it binds are numbered in
    the order in which they are first bound. So near duplicates are the same proposal: renamed variables, another
    docstring.
    """
    try:
        normal = _code(candidate.text) if candidate.kind is CandidateKind.CODE else _data(candidate.text)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        normal = candidate.text.strip()
    return hashlib.sha256(f"{candidate.kind}\n{normal}".encode("utf-8", "surrogatepass")).hexdigest()


def _code(text: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = parse_module(text)
    names: dict[str, str] = {}
    numbers = count()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            node.body = [part for part in node.body if not _is_text(part)] or [ast.Pass()]
        for field in _bound_names(node):
            names.setdefault(field, f"name{next(numbers)}")
    return ast.dump(_Renamed(names).visit(tree))


def _bound_names(node: ast.AST) -> list[str]:
    """Names that the candidate binds: any other name would do as well."""
    if isinstance(node, ast.arg):
        return [node.arg]
    return [] if isinstance(node, ast.alias) else [*named_by(node)]


class _Renamed(ast.NodeTransformer):
    """The same code under other names, and without annotations."""

    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    def visit(self, node: ast.AST) -> ast.AST:
        self.generic_visit(node)
        for field in ("id", "arg", "name", "rest"):
            written = getattr(node, field, None)
            if isinstance(written, str) and not isinstance(node, ast.alias):
                setattr(node, field, self._names.get(written, written))
        for field in ("annotation", "returns"):
            if getattr(node, field, None) is not None and not isinstance(node, ast.AnnAssign):
                setattr(node, field, None)
        return node


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _data(text: str) -> str:
    return _SORTED.encode(json.loads(text))
