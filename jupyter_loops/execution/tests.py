"""The user's test files: their paths, what the child has to see, and whether they have changed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from jupyter_loops.core.recipe import Recipe
from jupyter_loops.errors import PreflightError


def locate(recipe: Recipe) -> tuple[dict[str, str], tuple[str, ...]]:
    """Each test as written → with an absolute path; and the folders of the tests. Raises PreflightError."""
    located: dict[str, str] = {}
    roots: list[str] = []
    for check in recipe.checks:
        for test in (test for ask in check.asks for test in ask.tests):
            file, colons, node = test.partition("::")
            path = Path(os.path.abspath(Path(file).expanduser()))  # noqa: PTH100 - symlinks stay
            if not path.exists():
                raise PreflightError(f"line {check.line}: there is no test file {file} beside the notebook")
            located[test] = f"{path}{colons}{node}"
            roots.append(str(path if path.is_dir() else _root(file, path)))
    return located, tuple(dict.fromkeys(roots))


def shown(roots: Iterable[str], tests: Iterable[str]) -> list[Path]:
    """Paths that the sandbox mounts read-only: the folders, and the single files in case a folder is too large."""
    files = [Path(test.partition("::")[0]) for test in tests]
    conftests = [file.with_name("conftest.py") for file in files]
    return [path for path in (*map(Path, roots), *files, *conftests) if path.exists()]


def digest(roots: Iterable[str]) -> str:
    """SHA-256 of the Python files in the folders; empty if there are none."""
    files = sorted({file for root in map(Path, roots) for file in root.glob("**/*.py")})
    hashed = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        hashed.update(f"{file}\0{len(content)}\0".encode())
        hashed.update(content)
    return hashed.hexdigest() if files else ""


def _root(written: str, path: Path) -> Path:
    """The outermost folder of a relative path, for its conftest.py; otherwise the file's folder."""
    parts = Path(written).parts
    if Path(written).is_absolute() or ".." in parts or "~" in parts[0] or len(parts) == 1:
        return path.parent
    return Path.cwd() / parts[0]
