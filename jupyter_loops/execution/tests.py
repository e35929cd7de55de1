"""The user's test files: where they are, what the child has to see of them, and whether somebody changed them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from jupyter_loops.core.recipe import Recipe
from jupyter_loops.errors import PreflightError


def locate(recipe: Recipe) -> tuple[dict[str, str], tuple[str, ...]]:
    """Each test as it is written → as an absolute one; and the folders that hold them. Raises PreflightError."""
    found: dict[str, str] = {}
    roots: list[str] = []
    for check in recipe.checks:
        for test in (test for ask in check.asks for test in ask.tests):
            file, colons, node = test.partition("::")
            path = Path(os.path.abspath(Path(file).expanduser()))  # noqa: PTH100 - symlinks stay
            if not path.exists():
                raise PreflightError(f"line {check.line}: there is no test file {file} beside the notebook")
            found[test] = f"{path}{colons}{node}"
            roots.append(str(path if path.is_dir() else _root(file, path)))
    return found, tuple(dict.fromkeys(roots))


def shown(roots: Iterable[str], tests: Iterable[str]) -> list[Path]:
    """What the sandbox binds read-only: the folders, and the files by themselves where a folder holds too much."""
    files = [Path(test.partition("::")[0]) for test in tests]
    beside = [file.with_name("conftest.py") for file in files]
    return [path for path in (*map(Path, roots), *files, *beside) if path.exists()]


def digest(roots: Iterable[str]) -> str:
    """SHA-256 over the Python files there; empty without any."""
    files = sorted({file for root in map(Path, roots) for file in root.glob("**/*.py")})
    hashed = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        hashed.update(f"{file}\0{len(content)}\0".encode())
        hashed.update(content)
    return hashed.hexdigest() if files else ""


def _root(written: str, path: Path) -> Path:
    """The outermost folder of a relative path, whose conftest.py counts; otherwise the file's own folder."""
    parts = Path(written).parts
    if Path(written).is_absolute() or ".." in parts or "~" in parts[0] or len(parts) == 1:
        return path.parent
    return Path.cwd() / parts[0]
