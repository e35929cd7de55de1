"""One digest for all ways to write the same proposal."""

from __future__ import annotations

import ast
import hashlib
import json
import warnings

from jupyter_loops.core.candidate import Candidate, CandidateKind


def digest(candidate: Candidate) -> str:
    """SHA-256 of the syntax tree without docstrings, or of canonical JSON; of the bare text where it is neither."""
    try:
        normal = _code(candidate.text) if candidate.kind is CandidateKind.CODE else _data(candidate.text)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        normal = candidate.text.strip()
    return hashlib.sha256(f"{candidate.kind}\n{normal}".encode("utf-8", "surrogatepass")).hexdigest()


def _code(text: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            node.body = [part for part in node.body if not _is_text(part)] or [ast.Pass()]
    return ast.dump(tree)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _data(text: str) -> str:
    return json.dumps(json.loads(text), sort_keys=True)
