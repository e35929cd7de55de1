"""A recipe for rows: which part of its set-up all rows share, and whether one warm examiner can serve them all."""

from __future__ import annotations

import ast
import hashlib
import json
import marshal
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from jupyter_loops.core.mutation import changed_by_functions
from jupyter_loops.core.names import binds, changes, reads
from jupyter_loops.core.recipe import Recipe
from jupyter_loops.core.row import ROW
from jupyter_loops.errors import PreflightError
from jupyter_loops.execution.row_batches import BATCH, checks_change_shared_names
from jupyter_loops.planning.planner import MODERATE
from jupyter_loops.planning.tokens import estimate

_SHARE = 0.75  # of a prompt, that a row may take


@dataclass(frozen=True)
class RowRecipe:
    """What a cell asks for each row."""

    recipe: Recipe

    def __post_init__(self) -> None:
        bound = {target.name for target in self.recipe.targets} | binds(ast.parse(self.recipe.setup))
        if ROW in bound:
            raise PreflightError(f"`{ROW}` is the item of a map: call the target, or the name in the set-up, otherwise")

    @cached_property
    def _parts(self) -> tuple[list[ast.stmt], list[ast.stmt], set[str]]:
        """The statements that all rows share, those that read the row, and the names that the latter bind."""
        shared, own, dependent = list[ast.stmt](), list[ast.stmt](), {ROW}
        for statement in ast.parse(self.recipe.setup).body:
            if reads(statement) & dependent:
                own.append(statement)
                dependent |= binds(statement) | changes(statement)
            else:
                shared.append(statement)
        return shared, own, dependent

    @cached_property
    def shared(self) -> Recipe:
        """The recipe without what reads the row, for the process that all rows share."""
        return replace(self.recipe, setup=_text(self._parts[0]), uses=self.recipe.uses - {ROW})

    @cached_property
    def setup(self) -> dict[str, Any] | None:
        """The part of the set-up that reads the row, compiled; None where there is none."""
        own = self._parts[1]
        if not own:
            return None
        filename = f"<loop {self.recipe.name}>"
        code = compile(ast.Module(body=own, type_ignores=[]), filename, "exec", dont_inherit=True)
        return {"filename": filename, "text": self.recipe.setup, "code": marshal.dumps(code, 4)}

    @cached_property
    def batched(self) -> bool:
        """Whether answers are data or text that code alone decides, in types that are the same for all rows."""
        if self.recipe.asks_for_code or self.recipe.asks:
            return False
        types = {name for target in self.recipe.targets for name in reads(ast.parse(target.annotation))}
        return not types & self._parts[2]

    @cached_property
    def batch_size(self) -> int:
        """Rows that one process examines: one, where a check changes what other rows would see."""
        own = frozenset({ROW, *(target.name for target in self.recipe.targets), *self._parts[2]})
        own |= {name for check in self.recipe.checks for name in binds(ast.parse(f"{check.prelude}\n{check.source}"))}
        checks = [check for layer in self.recipe.examined_layers for check in layer]
        changing = changed_by_functions(self.recipe.setup) - own
        return 1 if changing or checks_change_shared_names(checks, own) else BATCH

    def check_columns(self, columns: tuple[str, ...]) -> None:
        """Raise PreflightError where a column has the name of a target."""
        if same := next((target.name for target in self.recipe.targets if target.name in columns), None):
            raise PreflightError(f"the table has a column {same!r}, and a target is called so, too: rename one of them")


def _text(statements: list[ast.stmt]) -> str:
    """The statements as source, each at the line where it stood."""
    lines: list[str] = []
    for statement in statements:
        decorators = getattr(statement, "decorator_list", [])
        first = (decorators[0] if decorators else statement).lineno
        lines += [""] * (first - 1 - len(lines))
        lines += ast.unparse(statement).splitlines()
    return "\n".join(lines) + "\n" if lines else ""


def item_text(item: object) -> str:
    """The item as the model reads it: a text as it is, everything else as JSON. Raises PreflightError."""
    text = item if isinstance(item, str) else _json(item)
    tokens, most = estimate(text), int(MODERATE * _SHARE)
    if tokens > most:
        raise PreflightError(f"the row is too long for a prompt: about {tokens:,} tokens, and {most:,} fit")
    return text


def _json(item: object) -> str:
    try:
        return json.dumps(item, ensure_ascii=False, default=str, allow_nan=True)
    except (TypeError, ValueError, RecursionError) as error:
        raise PreflightError(f"the row cannot be written for a model: {error}") from error


def digest(item: object, text: str) -> str:
    """SHA-256 of a row's content: equal rows have equal ones in every kernel."""
    return hashlib.sha256(f"{type(item).__name__}\n{text}".encode()).hexdigest()
