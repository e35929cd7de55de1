"""The messages of ends, with their numbers."""

from __future__ import annotations

from jupyter_loops.core.amount import amount
from jupyter_loops.core.recipe import Recipe
from jupyter_loops.core.termination import StopReason, Termination
from jupyter_loops.errors import BudgetError

from .account import Account
from .run_state import RunState

REASONS = {
    "usd": StopReason.BUDGET_USD,
    "tokens": StopReason.BUDGET_TOKENS,
    "seconds": StopReason.BUDGET_TIME,
    "iterations": StopReason.ITERATIONS,
    "calls": StopReason.BUDGET_CALLS,
}
OPTIONS = {
    "usd": "--usd",
    "tokens": "--tokens",
    "seconds": "--time",
    "iterations": "--iterations",
    "calls": "--calls",
}


def limit_reached(limit: str, account: Account, scope: str, recipe: Recipe, state: RunState) -> Termination:
    """The end when a limit is reached; `scope` says whose limit, empty for the run's own."""
    spent, allowed = getattr(account.usage, limit), getattr(account.budget, limit)
    numbers = f"{amount(limit, spent)} of {amount(limit, allowed)} used{_by(scope)}"
    return Termination(REASONS[limit], f"{numbers}; {best(recipe, state)}{_advice(limit, scope)}")


def does_not_fit(error: BudgetError, recipe: Recipe, state: RunState) -> Termination:
    """The end when the next call could break a limit, and therefore was not made."""
    needed, remaining = amount(error.limit, error.needed), amount(error.limit, max(error.remaining, 0))
    of = f" of {error.scope}" if error.scope else ""
    cause = f"{error.cause}; " if error.cause else ""
    next_ = "the next try would have to wait" if error.cause else "the next call may need"
    message = f"{cause}{next_} {needed} and {remaining} is left{of}; {best(recipe, state)}"
    return Termination(REASONS[error.limit], message + _advice(error.limit, error.scope))


def _by(scope: str) -> str:
    return f" by {scope}" if scope else ""


def _advice(limit: str, scope: str) -> str:
    return "" if scope else f"; raise it with {OPTIONS[limit]}"


def best(recipe: Recipe, state: RunState) -> str:
    """The best candidate in a few words."""
    if state.best is None:
        return "no candidate yet"
    iteration, score = state.best, state.best_score(recipe)
    if score is not None and iteration.passed() == len(recipe.checks):
        return f"best is round {iteration.number} with score {score:.6g}"
    return f"best is round {iteration.number} with {iteration.passed()} of {len(recipe.checks)} checks"
