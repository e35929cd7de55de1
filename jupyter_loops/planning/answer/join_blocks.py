"""Which of an answer's code blocks belong together: a definition, what builds on it, and what only shows something."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Sequence

from jupyter_loops.core.names import binds, changes, reads_now

from .python import Code, bound_by, code

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_FILE_NAME = re.compile(r"\A\s*#\s*(?:file(?:name)?:?\s*)?([\w/]+)\.py\b", re.IGNORECASE)


def last_definition(blocks: Sequence[Code], names: Collection[str]) -> Code | None:
    """The last block that defines all names by itself, together with later blocks that build on it.

    A block that repeats a stub, imports a name from elsewhere, or shows an excerpt of a class defines nothing.
    """
    targets = set(names)
    places = [n for n, block in enumerate(blocks) if targets <= defined(block) and not block.wanted & targets]
    places = [n for n in places if not any(_is_excerpt(blocks[n], blocks[m], targets) for m in places if m != n)]
    if not places:
        return None
    chosen = blocks[places[-1]]
    for later in blocks[places[-1] + 1 :]:
        if builds_on(later, chosen, targets):
            chosen = code(f"{chosen.text.rstrip()}\n\n\n{later.text}") or chosen
    return chosen


def defined(block: Code) -> set[str]:
    """The names to which a block gives a value of its own."""
    return {
        name
        for node in block.body
        if not isinstance(node, ast.Import | ast.ImportFrom) and not _is_stub(node)
        for name in bound_by(node)
        if not (isinstance(node, ast.AnnAssign) and node.value is None)
    }


def builds_on(later: Code, earlier: Code, names: Collection[str]) -> bool:
    """Whether a block defines a name anew from what it was, or changes what an earlier block has defined."""
    if later.wanted & defined(later) & set(names):
        return True
    return any(_extends(node, earlier.bound) for node in later.body)


def without_sibling_imports(blocks: Sequence[Code]) -> list[Code]:
    """Blocks that are files of one program, without the imports of each other."""
    modules = {match[1].rpartition("/")[2] for block in blocks if (match := _FILE_NAME.match(block.text))}
    return [_without_imports(block, modules) for block in blocks] if len(modules) > 1 else list(blocks)


def _without_imports(block: Code, modules: Collection[str]) -> Code:
    lines = block.text.splitlines(keepends=True)
    for node in block.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").rpartition(".")[2] in modules:
            lines[node.lineno - 1 : node.end_lineno] = ["\n"] * ((node.end_lineno or node.lineno) - node.lineno + 1)
    return code("".join(lines)) or block


def _extends(node: ast.stmt, names: Collection[str]) -> bool:
    """Whether a statement changes one of the named objects: `TABLE[1] = …`, `Stack.pop = …`, `@registry(1) def …`."""
    if isinstance(node, _Function | ast.ClassDef):
        return any(reads_now(decorator) & set(names) for decorator in node.decorator_list)
    changed = changes(node) if isinstance(node, ast.AugAssign) else changes(node) - binds(node)
    return not isinstance(node, ast.Assert) and bool(changed & set(names))


def _is_stub(node: ast.stmt) -> bool:
    """Whether it defines nothing: a function without a body, a class of such methods."""
    if isinstance(node, _Function):
        return all(_says_nothing(statement) for statement in node.body)
    if isinstance(node, ast.ClassDef) and any(isinstance(statement, _Function) for statement in node.body):
        return all(
            _is_stub(statement) if isinstance(statement, _Function) else _says_nothing(statement)
            for statement in node.body
        )
    return False


def _says_nothing(node: ast.stmt) -> bool:
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def _is_excerpt(block: Code, other: Code, names: Collection[str]) -> bool:
    """Whether a block shows, of a class that the other block has in full, only some of the methods."""
    return any(methods < _methods(other).get(name, set()) for name, methods in _methods(block).items() if name in names)


def _methods(block: Code) -> dict[str, set[str]]:
    return {
        node.name: {statement.name for statement in node.body if isinstance(statement, _Function)}
        for node in block.body
        if isinstance(node, ast.ClassDef)
    }
