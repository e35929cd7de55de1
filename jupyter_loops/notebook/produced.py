"""What a run produced, as the text of a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_loops.core.recipe import Recipe, TargetKind

if TYPE_CHECKING:
    from jupyter_loops.run import Run


def produced(recipe: Recipe, run: Run) -> str:
    """The candidate's code; for data, assignments of the values, validated against their types."""
    if recipe.asks_for_code:
        return run.source
    typed = any(target.kind is TargetKind.DATA for target in recipe.targets)
    lines = ["from pydantic import TypeAdapter", ""] if typed else []
    for target in recipe.targets:
        value = repr(run.values[target.name])
        text = value if target.kind is TargetKind.TEXT else f"TypeAdapter({target.annotation}).validate_python({value})"
        lines.append(f"{target.name} = {text}")
    return "\n".join(lines)
