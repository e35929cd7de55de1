"""Ends as sentences with their numbers."""

from __future__ import annotations

from jupyter_loops.core.budget import Budget, Usage
from jupyter_loops.core.recipe import Recipe
from jupyter_loops.core.termination import StopReason, Termination
from jupyter_loops.errors import BudgetError

from .standing import Standing

REASONS = {
    "usd": StopReason.BUDGET_USD,
    "tokens": StopReason.BUDGET_TOKENS,
    "seconds": StopReason.BUDGET_TIME,
    "iterations": StopReason.ITERATIONS,
}
OPTIONS = {"usd": "--usd", "tokens": "--tokens", "seconds": "--time", "iterations": "--iterations"}


def limit_reached(limit: str, budget: Budget, usage: Usage, recipe: Recipe, standing: Standing) -> Termination:
    """The end that a reached limit is."""
    spent, allowed = getattr(usage, limit), getattr(budget, limit)
    numbers = f"{amount(limit, spent)} of {amount(limit, allowed)} used"
    return Termination(REASONS[limit], f"{numbers}; {best(recipe, standing)}; raise it with {OPTIONS[limit]}")


def does_not_fit(error: BudgetError, recipe: Recipe, standing: Standing) -> Termination:
    """The end when the next call could break a limit, and therefore was not made."""
    needed, left = amount(error.limit, error.needed), amount(error.limit, max(error.left, 0))
    message = f"the next call may need {needed} and {left} is left; {best(recipe, standing)}"
    return Termination(REASONS[error.limit], f"{message}; raise it with {OPTIONS[error.limit]}")


def best(recipe: Recipe, standing: Standing) -> str:
    """The best candidate in a few words."""
    if standing.best is None:
        return "no candidate yet"
    turn = standing.best
    return f"best is round {turn.iteration} with {turn.passed()} of {len(recipe.checks)} checks"


def amount(limit: str, value: float) -> str:
    """A number with its unit."""
    if limit == "usd":
        return f"${value:.4g}"
    if limit == "seconds":
        return f"{value:.1f} s"
    return f"{int(value):,} {'rounds' if limit == 'iterations' else 'tokens'}"
