"""Resume, fork or replay a stored run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jupyter_loops.run import Run

from .launch import pursue
from .stored import stored


def resume(name: str, names: Mapping[str, object] | None = None, *, history: str | None = None, **options: Any) -> Run:
    """Go on with a run that was interrupted, whose kernel died, or that reached a limit; `name` is its id or loop.

    What was paid for is not paid for again: an answer that was not tried yet is tried first. Spent money, tokens
    and time count. `names` are the notebook's, `options` replace those of the run, such as a raised limit.
    Raises PreflightError, HistoryError while it goes on in another kernel, or while its last events cannot be stored.
    """
    return pursue(stored(name, history).resumed(), names, **options)


def fork(
    name: str,
    at: int | None = None,
    hint: str = "",
    names: Mapping[str, object] | None = None,
    *,
    history: str | None = None,
    **options: Any,
) -> Run:
    """Start a new run from the end of round `at` of a stored one, its last by default; see `Run.fork`."""
    return pursue(stored(name, history).forked(at, hint), names, **options)


def replay(name: str, names: Mapping[str, object] | None = None, *, history: str | None = None, **options: Any) -> Run:
    """Try the stored answers of a run again, in today's sandbox on today's names: no model, no token."""
    return pursue(stored(name, history).replayed(), names, **options)
