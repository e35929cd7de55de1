"""The rubrics that a notebook's names hold."""

from __future__ import annotations

from collections.abc import Mapping

from jupyter_loops.core.recipe import Recipe
from jupyter_loops.errors import PreflightError


def rubrics(recipe: Recipe, names: Mapping[str, object]) -> dict[str, str]:
    """Name → text, for those that do not stand in the cell. Raises PreflightError."""
    texts: dict[str, str] = {}
    for check in recipe.checks:
        for name in (ask.rubric_name for ask in check.asks if ask.rubric_name):
            text = names.get(name)
            if not isinstance(text, str) or not text.strip():
                what = "is empty" if isinstance(text, str) else "is not a text of the notebook or of the cell"
                raise PreflightError(f"line {check.line}: the rubric of judge(…), `{name}`, {what}")
            texts[name] = text
    return texts
