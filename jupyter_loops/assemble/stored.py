"""Stored runs of the history, to resume, fork or replay."""

from __future__ import annotations

from jupyter_loops.continuation import Continuation, StoredRun
from jupyter_loops.core.recipe import Recipe
from jupyter_loops.core.redaction import redact
from jupyter_loops.options import Options


def stored(name: str, history: str | None = None) -> StoredRun:
    """A run of the history, by its id or its loop's name. Raises PreflightError."""
    from jupyter_loops.history import open_history
    from jupyter_loops.verification.verifier import LayeredVerifier

    return StoredRun.find(open_history(history), LayeredVerifier(), name)


def broken_off(recipe: Recipe, options: Options) -> Continuation | None:
    """The interrupted run of this very cell, where --resume asks for it and there is one."""
    if not options.resume:
        return None
    from jupyter_loops.history import open_history

    interrupted = open_history(options.history).broken_off(recipe.name, source=redact(recipe.source))
    return None if interrupted is None else stored(interrupted.run_id, options.history).resumed()
